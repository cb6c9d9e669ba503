#include "tokenizer/jinja/functions.hpp"
#include "tokenizer/jinja/strings.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace kedit::jinja {
namespace {

Value length_of(const Value& value) {
  const std::string* text = value.string();
  if (text == nullptr) {
    const bool counted = value.list() != nullptr || value.dict() != nullptr;
    return Value::of(static_cast<std::int64_t>(counted ? value.count() : value.elements().size()));
  }
  std::int64_t characters = 0;
  for (std::size_t at = 0; at < text->size(); ++characters) at += code_point_at(*text, at).bytes;
  return Value::of(characters);
}

// A member of each element, "a.b" from within.
Value member(Value value, const std::string& path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    const Dict* dict = value.dict();
    const Value* found = dict == nullptr ? nullptr : dict->find(path.substr(at, end - at));
    value = found == nullptr ? Value() : *found;
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
  const std::size_t test_at = by_attribute ? 1 : 0;
  for (const Value& element : value.elements()) {
    const Value tested =
        by_attribute ? member(element, arguments.get(0, "attribute").text()) : element;
    const Value test = arguments.get(test_at, "test");
    const bool passed = test.undefined()
                            ? tested.truth()
                            : apply_test(test.text(), tested, from(arguments, test_at + 1));
    if (passed == wanted) chosen.push_back(element);
  }
  return Value::of(std::move(chosen));
}

Value map_filter(const Value& value, const Arguments& arguments) {
  List result;
  const Value attribute = arguments.get(99, "attribute");
  for (const Value& element : value.elements()) {
    result.push_back(attribute.undefined() ? apply_filter(arguments.get(0, "name").text(), element,
                                                          from(arguments, 1))
                                           : member(element, attribute.text()));
  }
  return Value::of(std::move(result));
}

Value default_filter(const Value& value, const Arguments& arguments) {
  const bool also_false = arguments.get(1, "boolean").truth();
  if (!value.undefined() && (!also_false || value.truth())) return value;
  const Value otherwise = arguments.get(0, "default_value");
  return otherwise.undefined() ? Value::of(std::string()) : otherwise;
}

std::int64_t whole_part(double value) {
  constexpr double kPastLargest = 9223372036854775808.0;  // 2^63
  if (!(value >= -kPastLargest && value < kPastLargest)) {
    fail("int: expected a number of at most 63 bits, found another");
  }
  return static_cast<std::int64_t>(value);
}

Value to_integer(const Value& value) {
  if (const double* real = value.real()) return Value::of(whole_part(*real));
  if (value.is_number()) return Value::of(value.whole_number());
  const std::string text = stripped(value.text(), {});
  const bool digits =
      !text.empty() && text.size() < 18 &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  return Value::of(digits && text != "-" ? std::int64_t{std::stoll(text)} : std::int64_t{0});
}

// What "indent" puts before a line: blanks, or a string of the template's.
std::string indentation(const Value& width) {
  if (const std::string* given = width.string()) return *given;
  const std::int64_t blanks =
      width.is_number() ? std::clamp<std::int64_t>(width.whole_number(), 0, 1000) : 4;
  return std::string(static_cast<std::size_t>(blanks), ' ');
}

Value indent_filter(const Value& value, const Arguments& arguments) {
  const std::string blank = indentation(arguments.get(0, "width"));
  const bool first = arguments.get(1, "first").truth();
  const bool empty_too = arguments.get(2, "blank").truth();
  std::string text = first ? blank : "";
  const std::string& source = value.text();
  for (std::size_t i = 0; i < source.size(); ++i) {
    text += source[i];
    const bool empty_line = i + 1 < source.size() && source[i + 1] == '\n';
    const bool more = source[i] == '\n' && i + 1 < source.size();
    if (more && (empty_too || !empty_line)) append(text, blank);
  }
  return Value::of(std::move(text));
}

Value reversed(const Value& value) {
  List list = value.elements();
  std::reverse(list.begin(), list.end());
  return Value::of(std::move(list));
}

Value end_of(const Value& value, bool first) {
  const List list = value.elements();
  if (list.empty()) return {};
  return first ? list.front() : list.back();
}

Value to_json_filter(const Value& value, const Arguments& arguments) {
  const Value indent = arguments.get(99, "indent");
  const std::int64_t blanks = indent.is_number() ? indent.whole_number() : -1;
  return Value::of(value.json(std::clamp<std::int64_t>(blanks, -1, 16)));
}

using Filter = Value (*)(const Value&, const Arguments&);

const std::map<std::string, Filter>& filters() {
  static const std::map<std::string, Filter> kFilters = {
      {"trim",
       [](const Value& v, const Arguments& a) {
         return Value::of(stripped(v.shown(), a.get(0, "chars")));
       }},
      {"length", [](const Value& v, const Arguments&) { return length_of(v); }},
      {"count", [](const Value& v, const Arguments&) { return length_of(v); }},
      {"upper", [](const Value& v, const Arguments&) { return Value::of(upper(v.shown())); }},
      {"lower", [](const Value& v, const Arguments&) { return Value::of(lower(v.shown())); }},
      {"title", [](const Value& v, const Arguments&) { return Value::of(titled(v.shown())); }},
      {"capitalize",
       [](const Value& v, const Arguments&) { return Value::of(capitalized(v.shown())); }},
      {"string", [](const Value& v, const Arguments&) { return Value::of(v.shown()); }},
      {"safe", [](const Value& v, const Arguments&) { return v; }},
      {"int", [](const Value& v, const Arguments&) { return to_integer(v); }},
      {"list", [](const Value& v, const Arguments&) { return Value::of(v.elements()); }},
      {"items", [](const Value& v,
                   const Arguments&) { return Value::of(v.undefined() ? List{} : items_of(v)); }},
      {"first", [](const Value& v, const Arguments&) { return end_of(v, true); }},
      {"last", [](const Value& v, const Arguments&) { return end_of(v, false); }},
      {"reverse", [](const Value& v, const Arguments&) { return reversed(v); }},
      {"join", [](const Value& v,
                  const Arguments& a) { return Value::of(join(v, a.get(0, "d").shown())); }},
      {"replace",
       [](const Value& v, const Arguments& a) {
         return Value::of(replaced(v.shown(), a.get(0, "old").text(), a.get(1, "new").text()));
       }},
      {"default", default_filter},
      {"d", default_filter},
      {"tojson", to_json_filter},
      {"indent", indent_filter},
      {"map", map_filter},
      {"select", [](const Value& v, const Arguments& a) { return select(v, a, false, true); }},
      {"reject", [](const Value& v, const Arguments& a) { return select(v, a, false, false); }},
      {"selectattr", [](const Value& v, const Arguments& a) { return select(v, a, true, true); }},
      {"rejectattr", [](const Value& v, const Arguments& a) { return select(v, a, true, false); }},
  };
  return kFilters;
}

}  // namespace

bool knows_filter(const std::string& name) { return filters().count(name) > 0; }

std::size_t filter_cost(const std::string& name, const Value& value, const Arguments& arguments) {
  for (const char* quick : {"count", "d", "default", "first", "last", "length", "list", "safe"}) {
    if (name == quick) return value.size();
  }
  return value.weight() + value.count() * arguments.weight();
}

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto filter = filters().find(name);
  if (filter == filters().end()) fail(fmt::format("the filter \"{}\" is not supported", name));
  return filter->second(value, arguments);
}

}  // namespace kedit::jinja
