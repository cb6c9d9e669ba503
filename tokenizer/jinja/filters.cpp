#include "json/short_name.hpp"
#include "tokenizer/jinja/functions.hpp"
#include "tokenizer/jinja/operators.hpp"
#include "tokenizer/jinja/strings.hpp"
#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace kedit::jinja {
namespace {

Value length_of(const Value& value) {
  if (const std::string* text = value.string()) {
    return Value::of(
        static_cast<std::int64_t>(std::count_if(text->begin(), text->end(), [](char byte) {
          return !tokenizer::is_utf8_continuation(byte);
        })));
  }
  if (value.undefined()) return Value::of(std::int64_t{0});
  const bool loop = value.dict() != nullptr && value.dict()->is_loop;
  if (loop) return *value.dict()->find("length");
  if (value.counted() == nullptr && value.mapping() == nullptr) {
    fail("expected a value with a length, found " + value.kind());
  }
  return Value::of(static_cast<std::int64_t>(value.count()));
}

// A member of each element, "a.b" from within, a number a place.
Value member(Value value, const std::string& path, const Value& otherwise) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    const std::string part = path.substr(at, end - at);
    const bool place = !part.empty() && part.size() < 10 &&
                       part.find_first_not_of("0123456789") == std::string::npos;
    value =
        item_or_method(value, place ? Value::of(std::int64_t{std::stoll(part)}) : Value::of(part));
    if (value.undefined() && !otherwise.undefined() && !otherwise.is_none()) value = otherwise;
    at = end + 1;
  }
  return value;
}

Arguments from(const Arguments& arguments, std::size_t first) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() +
                            static_cast<std::ptrdiff_t>(std::min(first, rest.positional.size())));
  return rest;
}

Value select(const Value& value, const Arguments& arguments, bool by_attribute, bool wanted) {
  List chosen;
  const std::vector<Value>& given = arguments.positional;
  const std::size_t test_at = by_attribute ? 1 : 0;
  if (given.size() < test_at) fail("expected the name of an attribute, found none");
  for (Value& element : value.elements()) {
    const Value tested = by_attribute ? member(element, given[0].text(), {}) : element;
    const bool passed = given.size() <= test_at ? tested.truth()
                                                : apply_test(given[test_at].text(), tested,
                                                             from(arguments, test_at + 1));
    if (passed == wanted) chosen.push_back(std::move(element));
  }
  return Value::of(std::move(chosen), Sequence::iterator);
}

Value map_filter(const Value& value, const Arguments& arguments) {
  List result;
  const bool by_attribute = arguments.positional.empty();
  if (by_attribute) arguments.check("map", "attribute, default=");
  for (const Value& element : value.elements()) {
    result.push_back(
        by_attribute
            ? member(element, arguments.get(0, "attribute").text(), arguments.get(1, "default"))
            : apply_filter(arguments.positional[0].text(), element, from(arguments, 1)));
  }
  return Value::of(std::move(result), Sequence::iterator);
}

Value default_filter(const Value& value, const Arguments& arguments) {
  const bool also_false = arguments.get(1, "boolean").truth();
  if (!value.undefined() && (!also_false || value.truth())) return value;
  return arguments.given(0, "default_value") ? arguments.get(0, "default_value")
                                             : Value::of(std::string());
}

// Python's int() of a float.
Value whole_part(double value) {
  constexpr double kPastLargest = 9223372036854775808.0;  // 2^63
  if (!(value >= -kPastLargest && value < kPastLargest)) {
    fail("int: expected a number of at most 63 bits, found another");
  }
  return Value::of(static_cast<std::int64_t>(value));
}

// A text as Python's int() and then float() read it; nothing when neither does.
std::optional<Value> parsed_integer(const std::string& text) {
  std::string digits = stripped(text, {});
  const bool sign = !digits.empty() && (digits[0] == '+' || digits[0] == '-');
  const bool negative = sign && digits[0] == '-';
  if (sign) digits.erase(0, 1);
  if (digits.empty()) return std::nullopt;
  const bool other = std::any_of(digits.begin(), digits.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
  if (other || digits.find('_') != std::string::npos) {
    fail("int: expected ASCII digits, found other characters, which this version does not support");
  }
  const bool plain = digits.find_first_not_of("0123456789") == std::string::npos;
  if (plain && digits.size() > 18) {
    fail("int: expected a number of at most 18 digits, found a longer one");
  }
  if (plain) return Value::of((negative ? -1 : 1) * std::int64_t{std::stoll(digits)});
  double real = 0;
  const char* past = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), past, real);
  if (error != std::errc() || end != past || std::isnan(real)) return std::nullopt;
  if (digits[0] == '+' || digits[0] == '-') return std::nullopt;
  return whole_part(negative ? -real : real);
}

Value int_filter(const Value& value, const Arguments& arguments) {
  const Value base = arguments.get(1, "base");
  if (!base.undefined() && base.whole_number() != 10) fail("int: expected base 10, found another");
  if (value.undefined()) fail("int: expected a value, found an undefined one");
  if (value.large_integer() != nullptr || value.integer() != nullptr) return value;
  if (const bool* flag = value.boolean()) return Value::of(std::int64_t{*flag ? 1 : 0});
  const double* real = value.real();
  if (real != nullptr && !std::isnan(*real)) return whole_part(*real);
  const std::string* text = value.string();
  const auto parsed = text == nullptr ? std::nullopt : parsed_integer(*text);
  if (parsed) return *parsed;
  return arguments.given(0, "default") ? arguments.get(0, "default") : Value::of(std::int64_t{0});
}

// What a number or a text puts before a line.
std::string indentation(const Value& width) {
  constexpr std::int64_t kMost = 1000;
  if (const std::string* given = width.string()) return *given;
  const std::int64_t blanks = width.undefined() ? 4 : width.whole_number();
  if (blanks > kMost) fail("indent: expected at most 1000 blanks, found more");
  return std::string(static_cast<std::size_t>(std::max<std::int64_t>(blanks, 0)), ' ');
}

Value indent_filter(const Value& value, const Arguments& arguments) {
  const std::string blank = indentation(arguments.get(0, "width"));
  const bool empty_too = arguments.get(2, "blank").truth();
  const std::string source = value.text() + "\n";
  std::string text = arguments.get(1, "first").truth() ? blank : "";
  bool first = true;
  for (const std::string_view line : lines_of(source)) {
    if (!first) append(text, "\n");
    if (!first && (empty_too || !line.empty())) append(text, blank);
    append(text, line);
    first = false;
  }
  return Value::of(std::move(text));
}

Value reversed(const Value& value) {
  if (const std::string* text = value.string()) {
    std::string result;
    for (std::size_t at = text->size(); at > 0;) {
      const std::size_t bytes = tokenizer::code_point_before(*text, at).bytes;
      result += text->substr(at - bytes, bytes);
      at -= bytes;
    }
    return Value::of(std::move(result));
  }
  List list = value.elements();
  std::reverse(list.begin(), list.end());
  return Value::of(std::move(list), Sequence::iterator);
}

Value first_of(const Value& value) {
  if (value.is_iterator()) return value.next();
  const List list = value.elements();
  return list.empty() ? Value() : list.front();
}

Value last_of(const Value& value) {
  if (value.is_iterator()) fail("last: expected a list, found an iterator");
  const List list = value.elements();
  return list.empty() ? Value() : list.back();
}

Value join_filter(const Value& value, const Arguments& arguments) {
  const Value attribute = arguments.get(1, "attribute");
  const std::string separator = arguments.get(0, "d").shown();
  const bool whole = attribute.undefined() || attribute.is_none();
  std::string text;
  bool first = true;
  for (const Value& element : value.elements()) {
    if (!first) append(text, separator);
    append(text, whole ? element.shown() : member(element, attribute.text(), {}).shown());
    first = false;
  }
  return Value::of(std::move(text));
}

Value replace_filter(const Value& value, const Arguments& arguments) {
  const Value count = arguments.get(2, "count");
  return Value::of(replaced(value.shown(), arguments.get(0, "old").shown(),
                            arguments.get(1, "new").shown(),
                            count.undefined() || count.is_none() ? -1 : count.whole_number()));
}

Value to_json_filter(const Value& value, const Arguments& arguments) {
  constexpr std::int64_t kMost = 16;
  Value::JsonStyle style;
  style.ascii = arguments.get(0, "ensure_ascii").truth();
  style.sort_keys = arguments.get(3, "sort_keys").truth();
  const Value indent = arguments.get(1, "indent");
  if (!indent.undefined() && !indent.is_none()) {
    if (indent.is_number() && indent.whole_number() > kMost) {
      fail("tojson: expected an indent of at most 16, found a larger one");
    }
    style.indent = indentation(indent);
    style.between = ",";
  }
  const Value separators = arguments.get(2, "separators");
  if (!separators.undefined() && !separators.is_none()) {
    const List parts = separators.elements();
    if (parts.size() != 2) fail("tojson: expected two separators, found another number");
    style.between = parts[0].text();
    style.after_key = parts[1].text();
  }
  return Value::of(value.json(style));
}

using Given = const Arguments&;

struct Filter {
  const char* parameters;  // as Arguments::check reads them; null: the filter does
  Value (*act)(const Value&, Given);
};

Value trim_filter(const Value& value, Given arguments) {
  return Value::of(stripped(value.shown(), arguments.get(0, "chars")));
}

Value items_filter(const Value& value, Given) {
  return Value::of(value.undefined() ? List{} : items_of(value), Sequence::iterator);
}

const std::map<std::string, Filter>& filters() {
  static const std::map<std::string, Filter> kFilters = {
      {"trim", {"chars=", trim_filter}},
      {"length", {"", [](auto& v, Given) { return length_of(v); }}},
      {"count", {"", [](auto& v, Given) { return length_of(v); }}},
      {"upper", {"", [](auto& v, Given) { return Value::of(tokenizer::upper_case(v.shown())); }}},
      {"lower", {"", [](auto& v, Given) { return Value::of(tokenizer::lower_case(v.shown())); }}},
      {"title", {"", [](auto& v, Given) { return Value::of(words_titled(v.shown())); }}},
      {"capitalize",
       {"", [](auto& v, Given) { return Value::of(tokenizer::capitalized(v.shown())); }}},
      {"string", {"", [](auto& v, Given) { return Value::of(v.shown()); }}},
      {"safe", {"", [](auto& v, Given) { return Value::of(v.shown()); }}},
      {"int", {"default=, base=", int_filter}},
      {"list", {"", [](auto& v, Given) { return Value::of(v.elements()); }}},
      {"items", {"", items_filter}},
      {"first", {"", [](auto& v, Given) { return first_of(v); }}},
      {"last", {"", [](auto& v, Given) { return last_of(v); }}},
      {"reverse", {"", [](auto& v, Given) { return reversed(v); }}},
      {"join", {"d=, attribute=", join_filter}},
      {"replace", {"old, new, count=", replace_filter}},
      {"default", {"default_value=, boolean=", default_filter}},
      {"d", {"default_value=, boolean=", default_filter}},
      {"tojson", {"ensure_ascii=, indent=, separators=, sort_keys=", to_json_filter}},
      {"indent", {"width=, first=, blank=", indent_filter}},
      {"map", {nullptr, map_filter}},
      {"select", {nullptr, [](auto& v, Given a) { return select(v, a, false, true); }}},
      {"reject", {nullptr, [](auto& v, Given a) { return select(v, a, false, false); }}},
      {"selectattr", {nullptr, [](auto& v, Given a) { return select(v, a, true, true); }}},
      {"rejectattr", {nullptr, [](auto& v, Given a) { return select(v, a, true, false); }}},
  };
  return kFilters;
}

}  // namespace

bool knows_filter(const std::string& name) { return filters().count(name) > 0; }

std::size_t filter_cost(const std::string& name, const Value& value, const Arguments& arguments) {
  for (const char* quick : {"count", "d", "default", "first", "last", "length", "list"}) {
    if (name == quick) return value.size();
  }
  return value.weight() + value.count() * arguments.weight();
}

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto filter = filters().find(name);
  if (filter == filters().end()) {
    fail(fmt::format("the filter \"{}\" is not supported", short_name(name)));
  }
  if (filter->second.parameters != nullptr) arguments.check(name, filter->second.parameters);
  return filter->second.act(value, arguments);
}

}  // namespace kedit::jinja
