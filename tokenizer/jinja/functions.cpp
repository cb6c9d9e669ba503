#include "tokenizer/jinja/functions.hpp"

#include "json/short_name.hpp"
#include "tokenizer/jinja/operators.hpp"
#include "tokenizer/jinja/strings.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace kedit::jinja {
namespace {

List values_of(const Value& value) {
  List values;
  for (const auto& item : value.dict()->items) values.push_back(item.second);
  return values;
}

Value get_of(const Value& value, const Arguments& arguments) {
  const Value key = arguments.get(0, "");
  const Value* found = key.string() == nullptr ? nullptr : value.dict()->find(key.text());
  if (found != nullptr) return *found;
  return arguments.given(1, "") ? arguments.get(1, "") : Value::none();
}

using Given = const Arguments&;

struct Method {
  const char* parameters;
  Value (*act)(const Value&, Given);
};

const std::map<std::string, Method>& dict_methods() {
  static const std::map<std::string, Method> kMethods = {
      {"items", {"", [](auto& v, Given) { return Value::of(items_of(v), Sequence::items); }}},
      {"keys", {"", [](auto& v, Given) { return Value::of(v.elements(), Sequence::keys); }}},
      {"values", {"", [](auto& v, Given) { return Value::of(values_of(v), Sequence::values); }}},
      {"get", {"/key, default=", get_of}},
      {"copy", {"", [](auto& v, Given) { return v; }}},
  };
  return kMethods;
}

Value dict_method(const Value& value, const std::string& name) {
  static const std::set<std::string> kOthers = {"clear",   "fromkeys",   "pop",
                                                "popitem", "setdefault", "update"};
  if (kOthers.count(name) > 0)
    fail(fmt::format("the method \"{}\" is not supported", short_name(name)));
  const auto method = dict_methods().find(name);
  if (method == dict_methods().end()) return {};
  const auto call = [value, &entry = *method](Given arguments) {
    arguments.check(entry.first, entry.second.parameters);
    return entry.second.act(value, arguments);
  };
  return Value::method(call, value);
}

// Attributes that other values have in Python: leaving them undefined would make another text in
// silence.
void refuse_attribute(const Value& value, const std::string& name) {
  static const std::set<std::string> kOfSequences = {
      "append",  "clear", "copy",   "count",   "extend", "index", "insert", "isdisjoint",
      "mapping", "pop",   "remove", "reverse", "sort",   "start", "step",   "stop"};
  static const std::set<std::string> kOfNumbers = {
      "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator",
      "from_bytes",       "fromhex",   "hex",        "imag",      "is_integer",
      "numerator",        "real",      "to_bytes"};
  const bool sequence = value.counted() != nullptr || value.is_iterator();
  const bool number = value.is_number() || value.large_integer() != nullptr;
  const bool hidden = name.starts_with("__") && value.dict() == nullptr;
  if (hidden || (sequence && kOfSequences.count(name) > 0) ||
      (number && kOfNumbers.count(name) > 0) || value.function() != nullptr) {
    fail(
        fmt::format("the attribute \"{}\" of {} is not supported", short_name(name), value.kind()));
  }
}

bool equal_test(const Value& value, const Arguments& arguments) {
  return value == arguments.get(0, "other");
}

bool is_even(const Value& value) {
  return arithmetic("%", value, Value::of(std::int64_t{2})).number() == 0;
}

bool is_sequence(const Value& value) {
  if (const List* elements = value.counted()) {
    return elements != nullptr && value.has_places();
  }
  return value.undefined() || value.string() != nullptr || value.mapping() != nullptr;
}

struct Test {
  const char* parameters;
  bool (*act)(const Value&, Given);
};

const std::map<std::string, Test>& tests() {
  static const std::map<std::string, Test> kTests = {
      {"defined", {"", [](auto& v, Given) { return !v.undefined(); }}},
      {"undefined", {"", [](auto& v, Given) { return v.undefined(); }}},
      {"none", {"", [](auto& v, Given) { return v.is_none(); }}},
      {"string", {"", [](auto& v, Given) { return v.string() != nullptr; }}},
      {"mapping", {"", [](auto& v, Given) { return v.mapping() != nullptr; }}},
      {"number",
       {"", [](auto& v, Given) { return v.is_number() || v.large_integer() != nullptr; }}},
      {"integer",
       {"", [](auto& v, Given) { return v.integer() != nullptr || v.large_integer() != nullptr; }}},
      {"float", {"", [](auto& v, Given) { return v.real() != nullptr; }}},
      {"boolean", {"", [](auto& v, Given) { return v.boolean() != nullptr; }}},
      {"callable", {"", [](auto& v, Given) { return v.function() != nullptr; }}},
      {"true", {"", [](auto& v, Given) { return v.boolean() != nullptr && v.truth(); }}},
      {"false", {"", [](auto& v, Given) { return v.boolean() != nullptr && !v.truth(); }}},
      {"odd",
       {"", [](auto& v,
               Given) { return arithmetic("%", v, Value::of(std::int64_t{2})).number() == 1; }}},
      {"even", {"", [](auto& v, Given) { return is_even(v); }}},
      {"iterable",
       {"",
        [](auto& v, Given) {
          return is_sequence(v) || v.is_iterator() || v.counted() != nullptr ||
                 (v.dict() != nullptr && v.dict()->is_loop);
        }}},
      {"sequence", {"", [](auto& v, Given) { return is_sequence(v); }}},
      {"equalto", {"other", equal_test}},
      {"eq", {"other", equal_test}},
      {"ne", {"other", [](auto& v, Given a) { return !equal_test(v, a); }}},
      {"in", {"seq", [](auto& v, Given a) { return contains(a.get(0, "seq"), v); }}},
  };
  return kTests;
}

Value range(const Arguments& arguments) {
  constexpr std::int64_t kMost = 100000;
  constexpr std::int64_t kFarthest = std::int64_t{1} << 61U;
  arguments.check("range", "/start, stop=, step=");
  const bool both = arguments.positional.size() > 1;
  const std::int64_t begin = both ? arguments.get(0, "").whole_number() : 0;
  const std::int64_t end = arguments.get(both ? 1 : 0, "").whole_number();
  const std::int64_t step = arguments.given(2, "") ? arguments.get(2, "").whole_number() : 1;
  if (step == 0) fail("range: expected a step, found 0");
  if (step < -kMost || step > kMost) fail("range: expected a small step, found a large one");
  List list;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    if (static_cast<std::int64_t>(list.size()) >= kMost || at < -kFarthest || at > kFarthest) {
      fail("range: expected at most 100000 values, found more");
    }
    list.push_back(Value::of(at));
  }
  return Value::of(std::move(list), Sequence::range);
}

Value dict_of(const Arguments& arguments, bool is_namespace) {
  Dict dict;
  if (arguments.positional.size() > 1) fail("dict: expected one dictionary, found more");
  if (!arguments.positional.empty()) {
    const Dict* base = arguments.positional[0].mapping();
    if (base == nullptr) fail("dict: expected a dictionary, found another value");
    dict.items = base->items;
  }
  for (const auto& [name, value] : arguments.named) dict.set(name, value);
  dict.is_namespace = is_namespace;
  return Value::of(std::move(dict));
}

}  // namespace

bool knows_test(const std::string& name) { return tests().count(name) > 0; }

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto test = tests().find(name);
  if (test == tests().end())
    fail(fmt::format("the test \"{}\" is not supported", short_name(name)));
  arguments.check(name, test->second.parameters);
  return test->second.act(value, arguments);
}

List items_of(const Value& value) {
  const Dict* dict = value.mapping();
  if (dict == nullptr) fail("items: expected a dictionary, found " + value.kind());
  List items;
  for (const auto& [key, element] : dict->items)
    items.push_back(Value::of(List{Value::of(key), element}, Sequence::tuple));
  return items;
}

Value method_of(const Value& value, const std::string& name) {
  refuse_attribute(value, name);
  if (value.string() != nullptr) return string_method(value, name);
  return value.mapping() == nullptr ? Value() : dict_method(value, name);
}

void add_functions(Scope& scope) {
  scope.set("range", Value::of(Function(range)));
  scope.set("dict", Value::of(Function([](const Arguments& a) { return dict_of(a, false); })));
  scope.set("namespace", Value::of(Function([](const Arguments& a) { return dict_of(a, true); })));
  scope.set("raise_exception", Value::of(Function([](const Arguments& a) -> Value {
              a.check("raise_exception", "message");
              fail("the template says: " + a.get(0, "message").shown());
            })));
}

}  // namespace kedit::jinja
