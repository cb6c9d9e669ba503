#include "model/jinja/template.hpp"
#include "model/utf8.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace kedit::jinja {
namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";

std::string stripped(const std::string& text, const Value& characters, bool left, bool right) {
  const std::string* given = characters.string();
  const std::string set = given == nullptr ? std::string(kBlanks) : *given;
  std::size_t begin = left ? text.find_first_not_of(set) : 0;
  if (begin == std::string::npos) return "";
  const std::size_t last = right ? text.find_last_not_of(set) : text.size() - 1;
  if (text.empty() || last == std::string::npos) return "";
  return text.substr(begin, last + 1 - begin);
}

enum class Case { upper, lower };

// Character by character; only the sharp s becomes two.
std::string changed(std::string_view text, Case wanted) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint character = code_point_at(text, at);
    const auto value = static_cast<utf8proc_int32_t>(character.value);
    if (wanted == Case::upper && character.value == 0xDF) {
      result += "SS";
    } else {
      append_utf8(result, static_cast<char32_t>(wanted == Case::upper ? utf8proc_toupper(value)
                                                                      : utf8proc_tolower(value)));
    }
    at += character.bytes;
  }
  return result;
}
std::string upper(std::string_view text) { return changed(text, Case::upper); }
std::string lower(std::string_view text) { return changed(text, Case::lower); }

std::string capitalized(std::string_view text) {
  if (text.empty()) return "";
  const std::size_t first = code_point_at(text, 0).bytes;
  return upper(text.substr(0, first)) + lower(text.substr(first));
}

bool is_letter(char32_t value) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

std::string titled(std::string_view text) {
  std::string result;
  bool start = true;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint character = code_point_at(text, at);
    result += changed(text.substr(at, character.bytes), start ? Case::upper : Case::lower);
    start = !is_letter(character.value);
    at += character.bytes;
  }
  return result;
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string result;
  std::size_t kept = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, kept)) {
    result.append(text, kept, at - kept).append(to);
    kept = at + from.size();
  }
  return result.append(text, kept);
}

List split_at_blanks(const std::string& text) {
  List parts;
  for (std::size_t at = text.find_first_not_of(kBlanks); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    parts.push_back(Value::of(text.substr(at, end - at)));
    at = text.find_first_not_of(kBlanks, end);
  }
  return parts;
}

Value split(const std::string& text, const Arguments& arguments) {
  const Value separator = arguments.get(0, "sep");
  if (separator.string() == nullptr) return Value::of(split_at_blanks(text));
  if (separator.text().empty()) fail("expected a separator, found an empty one");
  const Value most = arguments.get(1, "maxsplit");
  std::int64_t left = most.undefined() ? -1 : most.whole_number();
  List parts;
  std::size_t at = 0;
  for (; left != 0; --left) {
    const std::size_t end = text.find(separator.text(), at);
    if (end == std::string::npos) break;
    parts.push_back(Value::of(text.substr(at, end - at)));
    at = end + separator.text().size();
  }
  parts.push_back(Value::of(text.substr(at)));
  return Value::of(std::move(parts));
}

bool any_affix(const std::string& text, const Value& affixes, bool front) {
  const List* several = affixes.list();
  const List all = several == nullptr ? List{affixes} : *several;
  return std::any_of(all.begin(), all.end(), [&](const Value& affix) {
    return front ? text.starts_with(affix.text()) : text.ends_with(affix.text());
  });
}

std::string join(const Value& list, const std::string& separator) {
  std::string text;
  bool first = true;
  for (const Value& element : list.elements()) {
    if (!first) text += separator;
    text += element.shown();
    first = false;
  }
  return text;
}

Value string_method(const std::string& text, const std::string& name) {
  using Method = std::function<Value(const std::string&, const Arguments&)>;
  static const std::map<std::string, Method> kMethods = {
      {"strip",
       [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"), true, true)); }},
      {"lstrip",
       [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"), true, false)); }},
      {"rstrip",
       [](auto& s, auto& a) { return Value::of(stripped(s, a.get(0, "chars"), false, true)); }},
      {"upper", [](auto& s, auto&) { return Value::of(upper(s)); }},
      {"lower", [](auto& s, auto&) { return Value::of(lower(s)); }},
      {"title", [](auto& s, auto&) { return Value::of(titled(s)); }},
      {"capitalize", [](auto& s, auto&) { return Value::of(capitalized(s)); }},
      {"split", [](auto& s, auto& a) { return split(s, a); }},
      {"startswith",
       [](auto& s, auto& a) { return Value::of(any_affix(s, a.get(0, "prefix"), true)); }},
      {"endswith",
       [](auto& s, auto& a) { return Value::of(any_affix(s, a.get(0, "suffix"), false)); }},
      {"replace",
       [](auto& s, auto& a) {
         return Value::of(replaced(s, a.get(0, "old").text(), a.get(1, "new").text()));
       }},
      {"join", [](auto& s, auto& a) { return Value::of(join(a.get(0, "iterable"), s)); }},
  };
  const auto method = kMethods.find(name);
  if (method == kMethods.end()) return {};
  return Value::of(Function(
      [text, act = method->second](const Arguments& arguments) { return act(text, arguments); }));
}

List items_of(const Value& value) {
  const Dict* dict = value.dict();
  if (dict == nullptr) fail("items: expected a dictionary, found " + value.kind());
  List items;
  for (const auto& [key, element] : dict->items)
    items.push_back(Value::of(List{Value::of(key), element}));
  return items;
}

Value dict_method(const Value& value, const std::string& name) {
  if (name == "items") {
    return Value::of(Function([value](const Arguments&) { return Value::of(items_of(value)); }));
  }
  if (name == "keys") {
    return Value::of(Function([value](const Arguments&) { return Value::of(value.elements()); }));
  }
  if (name == "values") {
    return Value::of(Function([value](const Arguments&) {
      List values;
      if (const Dict* dict = value.dict()) {
        for (const auto& item : dict->items) values.push_back(item.second);
      }
      return Value::of(std::move(values));
    }));
  }
  if (name != "get") return {};
  return Value::of(Function([value](const Arguments& arguments) {
    const Dict* dict = value.dict();
    const Value* found = dict == nullptr ? nullptr : dict->find(arguments.get(0, "key").text());
    if (found != nullptr) return *found;
    const Value otherwise = arguments.get(1, "default");
    return otherwise.undefined() ? Value::none() : otherwise;
  }));
}

Value length_of(const Value& value) {
  return Value::of(static_cast<std::int64_t>(value.elements().size()));
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

Value to_integer(const Value& value) {
  if (value.is_number()) return Value::of(static_cast<std::int64_t>(value.number()));
  const std::string text = stripped(value.text(), {}, true, true);
  const bool digits =
      !text.empty() && text.size() < 18 &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  return Value::of(digits && text != "-" ? std::int64_t{std::stoll(text)} : std::int64_t{0});
}

Value indent_filter(const Value& value, const Arguments& arguments) {
  const Value width = arguments.get(0, "width");
  const std::int64_t blanks =
      width.is_number() ? std::clamp<std::int64_t>(width.whole_number(), 0, 1000) : 4;
  const std::string* given = width.string();
  const std::string blank =
      given != nullptr ? *given : std::string(static_cast<std::size_t>(blanks), ' ');
  const bool first = arguments.get(1, "first").truth();
  const bool empty_too = arguments.get(2, "blank").truth();
  std::string text = first ? blank : "";
  const std::string& source = value.text();
  for (std::size_t i = 0; i < source.size(); ++i) {
    text += source[i];
    const bool empty_line = i + 1 < source.size() && source[i + 1] == '\n';
    if (source[i] == '\n' && i + 1 < source.size() && (empty_too || !empty_line)) text += blank;
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
         return Value::of(stripped(v.shown(), a.get(0, "chars"), true, true));
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

using Test = bool (*)(const Value&, const Arguments&);

bool equal_test(const Value& value, const Arguments& arguments) {
  return value == arguments.get(0, "other");
}

const std::map<std::string, Test>& tests() {
  static const std::map<std::string, Test> kTests = {
      {"defined", [](const Value& v, const Arguments&) { return !v.undefined(); }},
      {"undefined", [](const Value& v, const Arguments&) { return v.undefined(); }},
      {"none", [](const Value& v, const Arguments&) { return v.is_none(); }},
      {"string", [](const Value& v, const Arguments&) { return v.string() != nullptr; }},
      {"mapping", [](const Value& v, const Arguments&) { return v.dict() != nullptr; }},
      {"number", [](const Value& v, const Arguments&) { return v.is_number(); }},
      {"integer", [](const Value& v, const Arguments&) { return v.integer() != nullptr; }},
      {"float", [](const Value& v, const Arguments&) { return v.real() != nullptr; }},
      {"boolean", [](const Value& v, const Arguments&) { return v.boolean() != nullptr; }},
      {"callable", [](const Value& v, const Arguments&) { return v.function() != nullptr; }},
      {"true",
       [](const Value& v, const Arguments&) { return v.boolean() != nullptr && v.truth(); }},
      {"false",
       [](const Value& v, const Arguments&) { return v.boolean() != nullptr && !v.truth(); }},
      {"odd", [](const Value& v, const Arguments&) { return v.whole_number() % 2 != 0; }},
      {"even", [](const Value& v, const Arguments&) { return v.whole_number() % 2 == 0; }},
      {"iterable",
       [](const Value& v, const Arguments&) {
         return v.undefined() || v.string() != nullptr || v.list() != nullptr ||
                v.dict() != nullptr;
       }},
      {"sequence",
       [](const Value& v, const Arguments&) {
         return v.undefined() || v.string() != nullptr || v.list() != nullptr ||
                v.dict() != nullptr;
       }},
      {"equalto", equal_test},
      {"eq", equal_test},
      {"ne", [](const Value& v, const Arguments& a) { return !equal_test(v, a); }},
      {"in", [](const Value& v, const Arguments& a) { return contains(a.get(0, "seq"), v); }},
  };
  return kTests;
}

Value range(const Arguments& arguments) {
  constexpr std::int64_t kMost = 100000;
  const bool both = arguments.positional.size() > 1;
  const std::int64_t begin = both ? arguments.get(0, "").whole_number() : 0;
  const std::int64_t end = arguments.get(both ? 1 : 0, "").whole_number();
  const Value given = arguments.get(2, "step");
  const std::int64_t step = given.undefined() ? 1 : given.whole_number();
  if (step == 0) fail("range: expected a step, found 0");
  if (std::abs(step) > kMost) fail("range: expected a small step, found a large one");
  List list;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    if (static_cast<std::int64_t>(list.size()) >= kMost || std::abs(at) > (std::int64_t{1} << 61))
      fail("range: expected at most 100000 values, found more");
    list.push_back(Value::of(at));
  }
  return Value::of(std::move(list));
}

Value dict_of(const Arguments& arguments, bool is_namespace) {
  Dict dict;
  if (const Dict* base = arguments.get(0, "").dict()) dict.items = base->items;
  for (const auto& [name, value] : arguments.named) dict.set(name, value);
  dict.is_namespace = is_namespace;
  return Value::of(std::move(dict));
}

}  // namespace

bool contains(const Value& container, const Value& element) {
  if (const std::string* text = container.string())
    return text->find(element.text()) != std::string::npos;
  if (const Dict* dict = container.dict()) {
    const std::string* name = element.string();
    return name != nullptr && dict->find(*name) != nullptr;
  }
  if (container.undefined()) return false;
  const List elements = container.elements();
  return std::find(elements.begin(), elements.end(), element) != elements.end();
}

bool knows_filter(const std::string& name) { return filters().count(name) > 0; }
bool knows_test(const std::string& name) { return tests().count(name) > 0; }

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto filter = filters().find(name);
  if (filter == filters().end()) fail(fmt::format("the filter \"{}\" is not supported", name));
  return filter->second(value, arguments);
}

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto test = tests().find(name);
  if (test == tests().end()) fail(fmt::format("the test \"{}\" is not supported", name));
  return test->second(value, arguments);
}

Value method_of(const Value& value, const std::string& name) {
  if (const std::string* text = value.string()) return string_method(*text, name);
  const Dict* dict = value.dict();
  return dict == nullptr || dict->is_namespace ? Value() : dict_method(value, name);
}

void add_functions(Scope& scope) {
  scope.set("range", Value::of(Function(range)));
  scope.set("dict", Value::of(Function([](const Arguments& a) { return dict_of(a, false); })));
  scope.set("namespace", Value::of(Function([](const Arguments& a) { return dict_of(a, true); })));
  scope.set("raise_exception", Value::of(Function([](const Arguments& a) -> Value {
              fail("the template says: " + a.get(0, "message").shown());
            })));
}

}  // namespace kedit::jinja
