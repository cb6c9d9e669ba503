#include "tokenizer/jinja/strings.hpp"

#include "json/short_name.hpp"
#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <set>

namespace kedit::jinja {
namespace {

constexpr std::size_t kMostStripped = 1000;  // characters; each is compared with each of the text

// Calls visit(character, begin, end) for each character until it returns false.
template <typename Visit>
void for_each_character(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const tokenizer::CodePoint character = tokenizer::code_point_at(text, at);
    if (!visit(character.value, at, at + character.bytes)) return;
    at += character.bytes;
  }
}

// Where white space (or what is no white space) begins at or after `from`, or the end.
std::size_t find_space(std::string_view text, std::size_t from, bool space) {
  std::size_t found = text.size();
  for_each_character(text.substr(from), [&](char32_t value, std::size_t begin, std::size_t) {
    if (tokenizer::is_python_space(value) != space) return true;
    found = from + begin;
    return false;
  });
  return found;
}

std::int64_t limit_of(const Arguments& arguments, std::size_t place, std::string_view name) {
  const Value most = arguments.get(place, name);
  const std::int64_t limit = most.undefined() ? -1 : most.whole_number();
  return limit < 0 ? std::numeric_limits<std::int64_t>::max() : limit;
}

List split_at_spaces(std::string_view text, std::int64_t limit) {
  List parts;
  std::size_t at = find_space(text, 0, false);
  for (; at < text.size() && limit > 0; --limit) {
    const std::size_t end = find_space(text, at, true);
    parts.push_back(Value::of(std::string(text.substr(at, end - at))));
    at = find_space(text, end, false);
  }
  if (at < text.size()) parts.push_back(Value::of(std::string(text.substr(at))));
  return parts;
}

Value split(const std::string& text, const Arguments& arguments) {
  const Value separator = arguments.get(0, "sep");
  std::int64_t left = limit_of(arguments, 1, "maxsplit");
  if (separator.undefined() || separator.is_none()) return Value::of(split_at_spaces(text, left));
  if (separator.text().empty()) fail("expected a separator, found an empty one");
  List parts;
  std::size_t at = 0;
  for (; left != 0; --left) {
    const std::size_t end = find_part(text, separator.text(), at);
    if (end == std::string::npos) break;
    parts.push_back(Value::of(text.substr(at, end - at)));
    at = end + separator.text().size();
  }
  parts.push_back(Value::of(text.substr(at)));
  return Value::of(std::move(parts));
}

bool any_affix(const std::string& text, const Value& affixes, bool front) {
  const List all = affixes.is_tuple() ? *affixes.list() : List{affixes};
  return std::any_of(all.begin(), all.end(), [&](const Value& affix) {
    return front ? text.starts_with(affix.text()) : text.ends_with(affix.text());
  });
}

Value joined(const std::string& separator, const Value& parts) {
  std::string text;
  bool first = true;
  for (const Value& part : parts.elements()) {
    if (!first) append(text, separator);
    append(text, part.text());
    first = false;
  }
  return Value::of(std::move(text));
}

Value characters_before(const std::string& text, std::size_t place) {
  if (place == std::string::npos) return Value::of(std::int64_t{-1});
  return Value::of(static_cast<std::int64_t>(
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place),
                    [](char byte) { return !tokenizer::is_utf8_continuation(byte); })));
}

struct Method {
  const char* parameters;  // as Arguments::check reads them
  Value (*act)(const std::string&, const Arguments&);
};

using Given = const Arguments&;

const std::map<std::string, Method>& methods() {
  static const std::map<std::string, Method> kMethods = {
      {"strip", {"/chars=", [](auto& s, Given a) { return Value::of(stripped(s, a.get(0, ""))); }}},
      {"lstrip",
       {"/chars=",
        [](auto& s, Given a) { return Value::of(stripped(s, a.get(0, ""), true, false)); }}},
      {"rstrip",
       {"/chars=",
        [](auto& s, Given a) { return Value::of(stripped(s, a.get(0, ""), false, true)); }}},
      {"upper", {"", [](auto& s, Given) { return Value::of(tokenizer::upper_case(s)); }}},
      {"lower", {"", [](auto& s, Given) { return Value::of(tokenizer::lower_case(s)); }}},
      {"title", {"", [](auto& s, Given) { return Value::of(tokenizer::title_case(s)); }}},
      {"capitalize", {"", [](auto& s, Given) { return Value::of(tokenizer::capitalized(s)); }}},
      {"split", {"sep=, maxsplit=", [](auto& s, Given a) { return split(s, a); }}},
      {"startswith",
       {"/prefix", [](auto& s, Given a) { return Value::of(any_affix(s, a.get(0, ""), true)); }}},
      {"endswith",
       {"/suffix", [](auto& s, Given a) { return Value::of(any_affix(s, a.get(0, ""), false)); }}},
      {"replace",
       {"/old, new, count=",
        [](auto& s, Given a) {
          const std::int64_t count = a.given(2, "") ? a.get(2, "").whole_number() : -1;
          return Value::of(replaced(s, a.get(0, "").text(), a.get(1, "").text(), count));
        }}},
      {"find",
       {"/sub",
        [](auto& s, Given a) { return characters_before(s, find_part(s, a.get(0, "").text())); }}},
      {"join", {"/iterable", [](auto& s, Given a) { return joined(s, a.get(0, "")); }}},
  };
  return kMethods;
}

// Python's other methods: to a template they are there, so that leaving them undefined would make
// another text in silence.
bool is_other_method(const std::string& name) {
  static const std::set<std::string> kNames = {
      "casefold",     "center",       "count",     "encode",    "expandtabs",  "format",
      "format_map",   "index",        "isalnum",   "isalpha",   "isascii",     "isdecimal",
      "isdigit",      "isidentifier", "islower",   "isnumeric", "isprintable", "isspace",
      "istitle",      "isupper",      "ljust",     "maketrans", "partition",   "removeprefix",
      "removesuffix", "rfind",        "rindex",    "rjust",     "rpartition",  "rsplit",
      "splitlines",   "swapcase",     "translate", "zfill"};
  return kNames.count(name) > 0;
}

}  // namespace

void append(std::string& text, std::string_view part) {
  if (text.size() + part.size() > kHeaviestValue) {
    fail("expected a short string, found a very long one");
  }
  text += part;
}

std::size_t find_part(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::string stripped(std::string_view text, const Value& characters, bool left, bool right) {
  std::u32string set;
  const bool spaces = characters.undefined() || characters.is_none();
  if (!spaces) {
    for_each_character(characters.text(), [&](char32_t value, std::size_t, std::size_t) {
      set += value;
      return true;
    });
  }
  if (set.size() > kMostStripped) fail("strip: expected a few characters, found very many");
  const auto goes = [&](char32_t value) {
    return spaces ? tokenizer::is_python_space(value) : set.find(value) != std::u32string::npos;
  };
  std::size_t begin = left ? text.size() : 0;
  std::size_t end = 0;
  for_each_character(text, [&](char32_t value, std::size_t from, std::size_t to) {
    if (goes(value)) return true;
    begin = std::min(begin, from);
    end = to;
    return true;
  });
  if (!right) end = text.size();
  return begin < end ? std::string(text.substr(begin, end - begin)) : "";
}

std::string words_titled(std::string_view text) {
  std::string result;
  const auto finish = [&](std::string_view word) {
    if (word.empty()) return;
    const std::size_t first = tokenizer::code_point_at(word, 0).bytes;
    result +=
        tokenizer::upper_case(word.substr(0, first)) + tokenizer::lower_case(word.substr(first));
  };
  std::size_t begin = 0;
  for_each_character(text, [&](char32_t value, std::size_t from, std::size_t to) {
    const bool parts = tokenizer::is_python_space(value) || value == '-' || value == '(' ||
                       value == '{' || value == '[' || value == '<';
    if (!parts) return true;
    finish(text.substr(begin, from - begin));
    result += text.substr(from, to - from);
    begin = to;
    return true;
  });
  finish(text.substr(begin));
  return result;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t count) {
  if (count < 0) count = std::numeric_limits<std::int64_t>::max();
  std::string result;
  std::size_t kept = 0;
  if (from.empty()) {  // before every character and at the end
    for_each_character(text, [&](char32_t, std::size_t begin, std::size_t end) {
      if (count-- <= 0) return false;
      append(result, to);
      append(result, text.substr(begin, end - begin));
      kept = end;
      return true;
    });
    if (kept == text.size() && count > 0) append(result, to);
    append(result, text.substr(kept));
    return result;
  }
  for (; count > 0; --count) {
    const std::size_t at = find_part(text, from, kept);
    if (at == std::string::npos) break;
    append(result, text.substr(kept, at - kept));
    append(result, to);
    kept = at + from.size();
  }
  append(result, text.substr(kept));
  return result;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for_each_character(text, [&](char32_t value, std::size_t from, std::size_t to) {
    const bool ends = (value >= '\n' && value <= '\r') || (value >= 0x1C && value <= 0x1E) ||
                      value == 0x85 || value == 0x2028 || value == 0x2029;
    if (!ends) return true;
    const bool second_half = value == '\n' && from > 0 && text[from - 1] == '\r' && begin == from;
    if (!second_half) lines.push_back(text.substr(begin, from - begin));
    begin = to;
    return true;
  });
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

Value string_method(const Value& string, const std::string& name) {
  if (is_other_method(name))
    fail(fmt::format("the method \"{}\" is not supported", short_name(name)));
  const auto method = methods().find(name);
  if (method == methods().end()) return {};
  const auto call = [string, &entry = *method](const Arguments& arguments) {
    arguments.check(entry.first, entry.second.parameters);
    return entry.second.act(string.text(), arguments);
  };
  return Value::method(call, string);
}

}  // namespace kedit::jinja
