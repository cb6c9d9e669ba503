#include "apps/options.hpp"

#include "json/json.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace kedit::cli {
namespace {

namespace po = boost::program_options;

using Given = std::map<std::string, std::vector<std::string>>;

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> as_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

// How an option is called in messages; positional arguments go by their value name.
std::string shown_name(const Option& option, bool positional) {
  return positional ? option.value_name : "--" + option.name;
}

[[noreturn]] void wrong_value(const std::string& shown, const std::string& expected,
                              const std::string& found) {
  throw UsageError(fmt::format("{}: expected {}, found '{}'", shown, expected, found));
}

std::string range_text(const Option& option) {
  std::string text = option.kind == Option::Kind::integer ? "a whole number" : "a number";
  if (option.lowest) text += fmt::format(" of at least {}", *option.lowest);
  if (option.above) text += fmt::format(" above {}", *option.above);
  if (option.highest) {
    text += fmt::format(" {}at most {}", option.lowest || option.above ? "and " : "of ",
                        *option.highest);
  }
  return text;
}

bool in_range(const Option& option, double value) {
  return (!option.lowest || value >= *option.lowest) && (!option.above || value > *option.above) &&
         (!option.highest || value <= *option.highest);
}

void check_number(const Option& option, const std::string& shown, const std::string& value) {
  const bool whole = option.kind == Option::Kind::integer;
  std::optional<double> parsed = as_number(value);
  if (whole && !as_integer(value)) parsed.reset();
  if (!parsed || !in_range(option, *parsed)) wrong_value(shown, range_text(option), value);
}

void check_choice(const Option& option, const std::string& shown, const std::string& value) {
  if (option.choices.empty()) return;
  if (std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end()) {
    return;
  }
  std::string expected = fmt::format("one of {}", fmt::join(option.choices, ", "));
  const auto nearest = nearest_name(value, option.choices);
  if (nearest) {
    throw UsageError(fmt::format("{}: expected {}, found '{}'; did you mean '{}'?", shown, expected,
                                 value, *nearest));
  }
  wrong_value(shown, expected, value);
}

void check_value(const Option& option, bool positional, const std::string& value) {
  const std::string shown = shown_name(option, positional);
  switch (option.kind) {
    case Option::Kind::flag:
      return;
    case Option::Kind::text:
      if (value.find('\0') != std::string::npos) wrong_value(shown, "text", "a NUL byte");
      return check_choice(option, shown, value);
    case Option::Kind::integer:
    case Option::Kind::number:
      return check_number(option, shown, value);
  }
}

po::options_description description_of(const std::vector<Option>& options) {
  po::options_description description;
  auto add = description.add_options();
  for (const Option& option : options) {
    if (option.kind == Option::Kind::flag) {
      add(option.name.c_str(), option.help.c_str());
    } else {
      add(option.name.c_str(), po::value<std::string>(), option.help.c_str());
    }
  }
  return description;
}

// Neither abbreviations (a new option must not change what a script means) nor short options (so
// that "-1" and "-x" can be values).
constexpr int kStyle = po::command_line_style::allow_long |
                       po::command_line_style::long_allow_adjacent |
                       po::command_line_style::long_allow_next;

[[noreturn]] void unknown_option(const std::string& token, const std::vector<Option>& options,
                                 const std::string& hint) {
  std::vector<std::string> names;
  for (const Option& option : options) names.push_back(option.name);
  const std::string name = token.substr(std::min(token.find_first_not_of('-'), token.size()));
  const auto nearest = nearest_name(name, names);
  throw UsageError(fmt::format("unknown option '--{}'; {}{}", name,
                               nearest ? fmt::format("did you mean '--{}'? ", *nearest) : "",
                               hint));
}

// "--name=" says the empty value, which the library takes for a missing one.
std::vector<std::string> with_empty_values(const std::vector<Option>& options,
                                           const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    const bool empty = word.ends_with('=') && takes_value(options, word.substr(0, word.size() - 1));
    const bool is_value = !out.empty() && i > 0 && takes_value(options, words[i - 1]);
    out.push_back(empty && !is_value ? word.substr(0, word.size() - 1) : word);
    if (empty && !is_value) out.emplace_back();
  }
  return out;
}

po::parsed_options split_words(const std::vector<Option>& options,
                               const std::vector<std::string>& words, const std::string& hint) {
  const po::options_description description = description_of(options);
  try {
    return po::command_line_parser(with_empty_values(options, words))
        .options(description)
        .style(kStyle)
        .run();
  } catch (const po::unknown_option& error) {
    unknown_option(error.get_option_name(), options, hint);
  } catch (const po::invalid_command_line_syntax& error) {
    const bool missing = error.kind() == po::invalid_command_line_syntax::missing_parameter ||
                         error.kind() == po::invalid_command_line_syntax::empty_adjacent_parameter;
    throw UsageError(fmt::format(
        "{}: {}; {}", error.get_option_name(),
        missing ? "expected a value, found none" : "expected no value, found one", hint));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}; {}", error.what(), hint));
  }
}

void take_option(const Option& option, const po::option& word, Given* given) {
  auto& values = (*given)[option.name];
  if (!values.empty() && !option.is_repeated) {
    throw UsageError(fmt::format("--{}: expected once, found again", option.name));
  }
  const std::string value = word.value.empty() ? "" : word.value.front();
  check_value(option, false, value);
  values.push_back(value);
}

void take_arguments(const std::vector<Option>& arguments, const std::vector<std::string>& words,
                    const std::string& hint, Given* given) {
  std::size_t next = 0;
  for (const std::string& word : words) {
    if (next == arguments.size()) {
      throw UsageError(fmt::format("expected no further argument, found '{}'; {}", word, hint));
    }
    check_value(arguments[next], true, word);
    (*given)[arguments[next].name].push_back(word);
    if (!arguments[next].is_repeated) ++next;
  }
}

void check_required(const std::vector<Option>& options, bool positional, const Given& given,
                    const std::string& hint) {
  for (const Option& option : options) {
    if (!option.is_required || given.count(option.name) != 0) continue;
    throw UsageError(
        fmt::format("{}: expected a value, found none; {}", shown_name(option, positional), hint));
  }
}

}  // namespace

Option& Option::required() {
  is_required = true;
  return *this;
}

Option& Option::repeated() {
  is_repeated = true;
  return *this;
}

Option& Option::otherwise(const std::string& value) {
  fallback = value;
  return *this;
}

Option& Option::otherwise_said(const std::string& words) {
  shown_fallback = words;
  return *this;
}

Option& Option::at_least(double value) {
  lowest = value;
  return *this;
}

Option& Option::more_than(double value) {
  above = value;
  return *this;
}

Option& Option::at_most(double value) {
  highest = value;
  return *this;
}

Option& Option::one_of(std::vector<std::string> names) {
  choices = std::move(names);
  return *this;
}

bool takes_value(const std::vector<Option>& options, std::string_view word) {
  return std::any_of(options.begin(), options.end(), [&](const Option& option) {
    return option.kind != Option::Kind::flag && word == "--" + option.name;
  });
}

namespace {

Option make_option(std::string name, Option::Kind kind, std::string value_name, std::string help) {
  Option option;
  option.name = std::move(name);
  option.kind = kind;
  option.value_name = std::move(value_name);
  option.help = std::move(help);
  return option;
}

}  // namespace

Option flag(std::string name, std::string help) {
  return make_option(std::move(name), Option::Kind::flag, "", std::move(help));
}

Option text(std::string name, std::string value_name, std::string help) {
  return make_option(std::move(name), Option::Kind::text, std::move(value_name), std::move(help));
}

Option integer(std::string name, std::string value_name, std::string help) {
  return make_option(std::move(name), Option::Kind::integer, std::move(value_name),
                     std::move(help));
}

Option number(std::string name, std::string value_name, std::string help) {
  return make_option(std::move(name), Option::Kind::number, std::move(value_name), std::move(help));
}

Values::Values(std::vector<Option> declared, Given given)
    : declared_(std::move(declared)), given_(std::move(given)) {}

const Option& Values::declared(std::string_view name) const {
  for (const Option& option : declared_) {
    if (option.name == name) return option;
  }
  throw std::logic_error(fmt::format("option '{}' is read but not declared", name));
}

bool Values::given(std::string_view name) const { return given_.count(declared(name).name) != 0; }

bool Values::flag(std::string_view name) const { return given(name); }

std::optional<std::string> Values::find(std::string_view name) const {
  const Option& option = declared(name);
  const auto found = given_.find(option.name);
  if (found != given_.end()) return found->second.front();
  return option.fallback;
}

std::string Values::text(std::string_view name) const {
  auto value = find(name);
  if (!value)
    throw std::logic_error(fmt::format("option '{}' has neither value nor default", name));
  return *std::move(value);
}

std::int64_t Values::integer(std::string_view name) const { return as_integer(text(name)).value(); }

double Values::number(std::string_view name) const { return as_number(text(name)).value(); }

std::vector<std::string> Values::list(std::string_view name) const {
  const auto found = given_.find(declared(name).name);
  return found == given_.end() ? std::vector<std::string>{} : found->second;
}

std::string Values::exactly_one(const std::vector<std::string>& names) const {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (given(name)) found.push_back("--" + name);
  }
  if (found.size() != 1) {
    throw UsageError(
        fmt::format("expected exactly one of --{}, found {}", fmt::join(names, ", --"),
                    found.empty() ? "none" : fmt::format("{}", fmt::join(found, ", "))));
  }
  return found.front().substr(2);
}

Values parse_options(const std::vector<Option>& options, const std::vector<Option>& arguments,
                     const std::vector<std::string>& words, const std::string& hint) {
  Given given;
  std::vector<std::string> positional;
  for (const po::option& word : split_words(options, words, hint).options) {
    if (word.string_key.empty() || word.position_key >= 0) {
      positional.insert(positional.end(), word.value.begin(), word.value.end());
      continue;
    }
    const auto option = std::find_if(options.begin(), options.end(), [&](const Option& candidate) {
      return candidate.name == word.string_key;
    });
    if (option == options.end()) unknown_option(word.string_key, options, hint);
    take_option(*option, word, &given);
  }
  take_arguments(arguments, positional, hint, &given);
  check_required(options, false, given, hint);
  check_required(arguments, true, given, hint);
  std::vector<Option> declared = options;
  declared.insert(declared.end(), arguments.begin(), arguments.end());
  return {std::move(declared), std::move(given)};
}

std::vector<std::int64_t> integer_list(std::string_view option, std::string_view text) {
  std::vector<std::int64_t> values;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    const auto value = as_integer(item);
    if (!value)
      wrong_value(fmt::format("--{}", option), "whole numbers with commas", std::string(item));
    values.push_back(*value);
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) wrong_value(fmt::format("--{}", option), "a number after the last comma", "");
  }
  return values;
}

}  // namespace kedit::cli
