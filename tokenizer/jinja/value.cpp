#include "tokenizer/jinja/value.hpp"

#include "json/short_name.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kedit::jinja {
namespace {

constexpr std::size_t kOwnWeight = 32;              // of a value without its text or elements
constexpr std::size_t kMostCharacters = 1U << 20U;  // of a string that a loop runs over

const Value& value_of(const Value& element) { return element; }
const Value& value_of(const std::pair<std::string, Value>& item) { return item.second; }
std::size_t key_bytes(const Value&) { return 0; }
std::size_t key_bytes(const std::pair<std::string, Value>& item) { return item.first.size(); }

template <typename Held, typename Data>
Held* held_by(const Data& data) {
  const auto* held = std::get_if<std::shared_ptr<Held>>(&data);
  return held == nullptr ? nullptr : held->get();
}

// JSON is read with doubles beyond 64 bits, of which nothing says whether they were integers.
double checked_real(double value) {
  constexpr double kPastLargest = 18446744073709551616.0;  // 2^64
  if (!(std::abs(value) < kPastLargest)) {
    fail("expected numbers of at most 64 bits in the messages, found a larger one");
  }
  return value;
}

List characters_of(const std::string& text) {
  if (text.size() > kMostCharacters)
    fail("expected a short string to go through, found a long one");
  List result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = tokenizer::code_point_at(text, at).bytes;
    result.push_back(Value::of(text.substr(at, bytes)));
    at += bytes;
  }
  return result;
}

}  // namespace

void fail(const std::string& message) { throw TemplateError(message); }

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Dict::set(const std::string& key, Value value) {
  for (auto& [name, old] : items) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  items.emplace_back(key, std::move(value));
}

Value Arguments::get(std::size_t place, std::string_view name) const {
  if (place < positional.size()) return positional[place];
  for (const auto& [given, value] : named) {
    if (given == name) return value;
  }
  return {};
}

bool Arguments::given(std::size_t place, std::string_view name) const {
  if (place < positional.size()) return true;
  return std::any_of(named.begin(), named.end(), [&](const auto& it) { return it.first == name; });
}

void Arguments::check(std::string_view called, std::string_view parameters) const {
  const bool by_place_only = parameters.starts_with('/');
  if (by_place_only) parameters.remove_prefix(1);
  std::vector<std::string_view> names;
  std::size_t required = 0;
  while (!parameters.empty()) {
    std::string_view name = parameters.substr(0, parameters.find(", "));
    parameters.remove_prefix(std::min(name.size() + 2, parameters.size()));
    const bool optional = name.ends_with('=');
    if (optional) name.remove_suffix(1);
    if (!optional) required = names.size() + 1;
    names.push_back(name);
  }
  if (positional.size() > names.size()) {
    fail(fmt::format("{}: expected at most {} arguments, found {}", short_name(called),
                     names.size(), positional.size()));
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string& name = named[i].first;
    const auto place =
        static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    const bool twice = std::any_of(named.begin(), named.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const auto& other) { return other.first == name; });
    if (place == names.size() || by_place_only) {
      fail(fmt::format("{}: the argument \"{}\" is not supported", short_name(called),
                       short_name(name)));
    }
    if (place < positional.size() || twice) {
      fail(fmt::format("{}: expected the argument \"{}\" once, found it twice", short_name(called),
                       short_name(name)));
    }
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (given(i, by_place_only ? "" : names[i])) continue;
    fail(fmt::format("{}: expected the argument \"{}\", found none", called, names[i]));
  }
}

std::size_t Arguments::weight() const {
  std::size_t sum = 0;
  for (const Value& value : positional) sum += value.weight();
  for (const auto& item : named) sum += item.second.weight();
  return sum;
}

Value Value::of(std::string value) {
  if (value.size() > kHeaviestValue) fail("expected a short string, found a very long one");
  const std::size_t weight = kOwnWeight + value.size();
  Value made(Data(std::make_shared<const std::string>(std::move(value))));
  made.weight_ = static_cast<std::uint32_t>(weight);
  return made;
}

Value Value::of(List list, Sequence kind) {
  Value made;
  made.measure(list);
  made.data_ = std::make_shared<List>(std::move(list));
  made.sequence_ = kind;
  return made;
}

Value Value::of(Dict dict) {
  Value made;
  made.measure(dict.items);
  made.data_ = std::make_shared<Dict>(std::move(dict));
  return made;
}

Value Value::of(Function function) {
  return Value(Data(std::make_shared<Function>(std::move(function))));
}

Value Value::method(Function function, const Value& self) {
  Value made = of(std::move(function));
  made.depth_ = self.depth_ + 1;
  made.weight_ = static_cast<std::uint32_t>(kOwnWeight + self.size());
  return made;
}

// Depth and weight of a list or dictionary that holds `items`.
template <typename Items>
void Value::measure(const Items& items) {
  std::size_t weight = kOwnWeight;
  for (const auto& item : items) {
    const Value& value = value_of(item);
    const Dict* dict = value.dict();
    if (dict != nullptr && dict->is_namespace) {
      fail("expected a list or dictionary without namespaces, found one with a namespace");
    }
    depth_ = std::max(depth_, value.depth_ + 1);
    weight += value.weight_ + key_bytes(item);
    if (depth_ > kDeepestValue) fail("expected flat values, found some that are nested too deep");
    if (weight > kHeaviestValue) fail("expected a small value, found a very large one");
  }
  weight_ = static_cast<std::uint32_t>(weight);
}

Value Value::from_json(const Json& json) {
  if (json.is_null()) return none();
  if (json.is_boolean()) return of(json.get<bool>());
  if (json.is_number_unsigned() && json.get<std::uint64_t>() >> 63U != 0) {
    return Value(Data(std::make_shared<const LargeInteger>(LargeInteger{to_text(json)})));
  }
  if (json.is_number_integer()) return of(json.get<std::int64_t>());
  if (json.is_number()) return of(checked_real(json.get<double>()));
  if (json.is_string()) return of(json.get<std::string>());
  if (json.is_array()) {
    List list;
    for (const Json& element : json) list.push_back(from_json(element));
    return of(std::move(list));
  }
  Dict dict;
  for (const auto& [key, element] : json.items()) dict.items.emplace_back(key, from_json(element));
  return of(std::move(dict));
}

const std::string* Value::string() const { return held_by<const std::string>(data_); }
const List* Value::sequence() const { return held_by<List>(data_); }
const List* Value::list() const {
  const bool places = sequence_ == Sequence::list || sequence_ == Sequence::tuple;
  return places ? sequence() : nullptr;
}
const List* Value::counted() const { return is_iterator() ? nullptr : sequence(); }
const LargeInteger* Value::large_integer() const { return held_by<const LargeInteger>(data_); }
const Dict* Value::dict() const { return held_by<Dict>(data_); }
const Dict* Value::mapping() const {
  const Dict* held = dict();
  return held != nullptr && !held->is_namespace && !held->is_loop ? held : nullptr;
}

Value Value::next() const {
  List* held = held_by<List>(data_);
  if (held == nullptr || held->empty()) return {};
  Value first = std::move(held->front());
  held->erase(held->begin());
  return first;
}
const Function* Value::function() const { return held_by<Function>(data_); }

std::size_t Value::count() const {
  if (const auto* held = sequence()) return held->size();
  if (const auto* held = dict()) return held->items.size();
  return 1;
}

std::size_t Value::size() const {
  return sequence() != nullptr || dict() != nullptr ? 4 * count() : weight_;
}

bool Value::is_new() const {
  return std::visit(
      [](const auto& held) {
        if constexpr (requires { held.use_count(); }) return held.use_count() == 1;
        return false;
      },
      data_);
}

void Value::assign(const std::string& name, Value value) const {
  Dict* held = held_by<Dict>(data_);
  if (held == nullptr || !held->is_namespace)
    fail("cannot assign attribute on non-namespace object");
  Value().measure(List{value});  // before it could hold itself
  held->set(name, std::move(value));
  Value().measure(held->items);
}

bool Value::truth() const {
  if (undefined() || is_none()) return false;
  if (is_number()) return number() != 0;
  if (const auto* held = string()) return !held->empty();
  if (const auto* held = counted()) return !held->empty();
  if (const auto* held = mapping()) return !held->items.empty();
  return true;
}

double Value::number() const {
  if (const auto* held = boolean()) return *held ? 1 : 0;
  if (const auto* held = integer()) return static_cast<double>(*held);
  if (const auto* held = real()) return *held;
  fail("expected a number, found " + kind());
}

// Holds every integer of 64 bits and every double.
long double Value::exact_number() const {
  if (const auto* held = integer()) return static_cast<long double>(*held);
  return static_cast<long double>(number());
}

std::int64_t Value::whole_number() const {
  if (const auto* held = boolean()) return *held ? 1 : 0;
  if (const auto* held = integer()) return *held;
  fail("expected an integer, found " + kind());
}

const std::string& Value::text() const {
  if (const auto* held = string()) return *held;
  fail("expected a string, found " + kind());
}

List Value::elements() const {
  if (undefined()) return {};
  List* once = held_by<List>(data_);
  if (once != nullptr && is_iterator()) return std::exchange(*once, List{});
  if (once != nullptr) return *once;
  if (const auto* held = string()) return characters_of(*held);
  const Dict* held = mapping();
  if (held == nullptr) fail("expected something to go through, found " + kind());
  List result;
  for (const auto& item : held->items) result.push_back(of(item.first));
  return result;
}

std::string Value::kind() const {
  static constexpr const char* kNames[] = {
      "an undefined value", "none",   "a boolean",    "an integer", "a float",
      "a string",           "a list", "a dictionary", "a function", "a large integer"};
  return kNames[data_.index()];
}

bool Value::operator==(const Value& other) const {
  if (is_number() && other.is_number()) return exact_number() == other.exact_number();
  if (data_.index() != other.data_.index()) return false;
  if (large_integer() != nullptr) return large_integer()->digits == other.large_integer()->digits;
  const std::string* text = string();
  const std::string* other_text = other.string();
  if (text != nullptr && other_text != nullptr) return *text == *other_text;
  if (sequence() != nullptr && sequence() == other.sequence()) return true;
  if (sequence() != nullptr) {
    if (list() == nullptr && sequence_ != Sequence::range) {
      fail("expected values that can be compared, found " + kind() + " that gives its elements");
    }
    return sequence_ == other.sequence_ && *sequence() == *other.sequence();
  }
  const Dict* items = dict();
  const Dict* other_items = other.dict();
  if (items == nullptr || other_items == nullptr) return function() == other.function();
  if (mapping() == nullptr || other.mapping() == nullptr) return items == other_items;
  if (items->items.size() != other_items->items.size()) return false;
  return std::all_of(items->items.begin(), items->items.end(), [&](const auto& item) {
    const Value* found = other_items->find(item.first);
    return found != nullptr && *found == item.second;
  });
}

}  // namespace kedit::jinja
