#include "tokenizer/jinja/functions.hpp"

#include "tokenizer/jinja/operators.hpp"
#include "tokenizer/jinja/strings.hpp"

#include <fmt/format.h>

#include <map>

namespace kedit::jinja {
namespace {

List values_of(const Value& value) {
  List values;
  if (const Dict* dict = value.dict()) {
    for (const auto& item : dict->items) values.push_back(item.second);
  }
  return values;
}

Value get_of(const Value& value, const Arguments& arguments) {
  const Dict* dict = value.dict();
  const Value* found = dict == nullptr ? nullptr : dict->find(arguments.get(0, "key").text());
  if (found != nullptr) return *found;
  const Value otherwise = arguments.get(1, "default");
  return otherwise.undefined() ? Value::none() : otherwise;
}

Value dict_method(const Value& value, const std::string& name) {
  const auto bound = [&](auto act) {
    return Value::method([value, act](const Arguments& arguments) { return act(value, arguments); },
                         value);
  };
  using Given = const Arguments&;
  if (name == "items") return bound([](auto& v, Given) { return Value::of(items_of(v)); });
  if (name == "keys") return bound([](auto& v, Given) { return Value::of(v.elements()); });
  if (name == "values") return bound([](auto& v, Given) { return Value::of(values_of(v)); });
  return name == "get" ? bound(get_of) : Value();
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
  constexpr std::int64_t kFarthest = std::int64_t{1} << 61U;
  const bool both = arguments.positional.size() > 1;
  const std::int64_t begin = both ? arguments.get(0, "").whole_number() : 0;
  const std::int64_t end = arguments.get(both ? 1 : 0, "").whole_number();
  const Value given = arguments.get(2, "step");
  const std::int64_t step = given.undefined() ? 1 : given.whole_number();
  if (step == 0) fail("range: expected a step, found 0");
  if (step < -kMost || step > kMost) fail("range: expected a small step, found a large one");
  List list;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    if (static_cast<std::int64_t>(list.size()) >= kMost || at < -kFarthest || at > kFarthest) {
      fail("range: expected at most 100000 values, found more");
    }
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

bool knows_test(const std::string& name) { return tests().count(name) > 0; }

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto test = tests().find(name);
  if (test == tests().end()) fail(fmt::format("the test \"{}\" is not supported", name));
  return test->second(value, arguments);
}

List items_of(const Value& value) {
  const Dict* dict = value.dict();
  if (dict == nullptr) fail("items: expected a dictionary, found " + value.kind());
  List items;
  for (const auto& [key, element] : dict->items)
    items.push_back(Value::of(List{Value::of(key), element}));
  return items;
}

Value method_of(const Value& value, const std::string& name) {
  if (value.string() != nullptr) return string_method(value, name);
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
