#include "tokenizer/jinja/operators.hpp"

#include "json/short_name.hpp"
#include "tokenizer/jinja/functions.hpp"
#include "tokenizer/jinja/strings.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace kedit::jinja {
namespace {

// The sum, difference or product, unless it does not fit.
Value checked(char symbol, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  const bool overflow = symbol == '+'   ? __builtin_add_overflow(left, right, &result)
                        : symbol == '-' ? __builtin_sub_overflow(left, right, &result)
                                        : __builtin_mul_overflow(left, right, &result);
  if (overflow) fail("expected numbers of at most 63 bits, found a larger one");
  return Value::of(result);
}

Value add(const Value& left, const Value& right) {
  const std::string* text = left.string();
  const std::string* more = right.string();
  if (text != nullptr && more != nullptr) return Value::of(*text + *more);
  const List* first = left.list();
  const List* second = right.list();
  if (first != nullptr && second != nullptr && left.is_tuple() == right.is_tuple()) {
    List list = *first;
    list.insert(list.end(), second->begin(), second->end());
    return Value::of(std::move(list), left.is_tuple() ? Sequence::tuple : Sequence::list);
  }
  if (!left.is_number() || !right.is_number()) {
    fail(fmt::format("expected two values that can be added, found {} and {}", left.kind(),
                     right.kind()));
  }
  if (left.real() == nullptr && right.real() == nullptr) {
    return checked('+', left.whole_number(), right.whole_number());
  }
  return Value::of(left.number() + right.number());
}

std::int64_t floor_divide(std::int64_t left, std::int64_t right) {
  if (right == -1) return checked('-', 0, left).whole_number();
  const std::int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

Value multiply(const Value& left, const Value& right) {
  if (const std::string* part = left.string()) {
    const std::int64_t times = std::max<std::int64_t>(right.whole_number(), 0);
    if (times > 100000 || part->size() * static_cast<std::size_t>(times) > (1U << 20U)) {
      fail("expected a short string, found a very long one");
    }
    std::string text;
    for (std::int64_t i = 0; i < times; ++i) text += *part;
    return Value::of(std::move(text));
  }
  if (left.real() != nullptr || right.real() != nullptr)
    return Value::of(left.number() * right.number());
  return checked('*', left.whole_number(), right.whole_number());
}

Value subtract(const Value& left, const Value& right) {
  if (left.real() != nullptr || right.real() != nullptr) {
    return Value::of(left.number() - right.number());
  }
  return checked('-', left.whole_number(), right.whole_number());
}

// Exact, or an error when it does not fit.
Value whole_power(std::int64_t base, std::int64_t exponent) {
  Value result = Value::of(std::int64_t{1});
  if (exponent > 64 && (base > 1 || base < -1)) exponent = 64;  // it does not fit either
  if (exponent > 64) exponent = exponent % 2 == 0 ? 2 : 1;
  for (std::int64_t i = 0; i < exponent; ++i) result = checked('*', result.whole_number(), base);
  return result;
}

Value power(const Value& left, const Value& right) {
  const bool real = left.real() != nullptr || right.real() != nullptr;
  if (!real && right.whole_number() >= 0) {
    return whole_power(left.whole_number(), right.whole_number());
  }
  const double result = std::pow(left.number(), right.number());
  if (!std::isfinite(result)) fail("expected a power that is a number, found none");
  return Value::of(result);
}

// Python's float // and %: from the exact remainder, with the divisor's sign.
Value divide_reals(const std::string& symbol, double left, double right) {
  double rest = std::fmod(left, right);
  double quotient = (left - rest) / right;
  if (rest != 0 && (right < 0) != (rest < 0)) {
    rest += right;
    quotient -= 1;
  } else if (rest == 0) {
    rest = std::copysign(0.0, right);
  }
  if (symbol == "%") return Value::of(rest);
  if (quotient == 0) return Value::of(std::copysign(0.0, left / right));
  const double whole = std::floor(quotient);
  return Value::of(quotient - whole > 0.5 ? whole + 1 : whole);
}

double exact_in_double(const Value& value) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53U;
  const std::int64_t* whole = value.integer();
  if (whole != nullptr && (*whole > kMost || *whole < -kMost)) {
    fail("expected numbers of at most 53 bits to divide, found a larger one");
  }
  return value.number();
}

// "/", "//" or "%": rounded down, as in Python.
Value divide(const std::string& symbol, const Value& left, const Value& right) {
  if (right.number() == 0) fail("division by zero");
  if (symbol == "/") return Value::of(exact_in_double(left) / exact_in_double(right));
  if (left.real() != nullptr || right.real() != nullptr) {
    return divide_reals(symbol, left.number(), right.number());
  }
  const std::int64_t divisor = right.whole_number();
  if (symbol == "//") return Value::of(floor_divide(left.whole_number(), divisor));
  if (divisor == -1) return Value::of(std::int64_t{0});  // INT64_MIN % -1 does not fit
  const std::int64_t rest = left.whole_number() % divisor;
  return Value::of(rest != 0 && (rest < 0) != (divisor < 0) ? rest + divisor : rest);
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = tokenizer::code_point_at(text, at).bytes;
    characters.push_back(text.substr(at, bytes));
    at += bytes;
  }
  return characters;
}

// Negative indices count from the end.
std::optional<std::size_t> place_of(std::int64_t index, std::size_t size) {
  const std::int64_t place = index < 0 ? index + static_cast<std::int64_t>(size) : index;
  if (place < 0 || place >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(place);
}

// The places that a slice takes out of `length` elements, in its order.
std::vector<std::size_t> places_of(const Slice& slice, std::size_t length) {
  const auto size = static_cast<std::int64_t>(length);
  const std::int64_t step = slice.step.value_or(1);
  if (step == 0) fail("expected a slice with a step, found 0");
  const auto bound = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    const std::int64_t at = *given < 0 ? *given + size : *given;
    return std::clamp<std::int64_t>(at, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
  };
  const std::int64_t begin = bound(slice.begin, step > 0 ? 0 : size - 1);
  const std::int64_t end = bound(slice.end, step > 0 ? size : -1);
  std::vector<std::size_t> places;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    places.push_back(static_cast<std::size_t>(at));
    if (step > size || step < -size) break;  // before the sum can overflow
  }
  return places;
}

bool less(const Value& first, const Value& second) {
  const std::string* text = first.string();
  const std::string* more = second.string();
  if (text != nullptr && more != nullptr) return *text < *more;
  return first.exact_number() < second.exact_number();
}

}  // namespace

Value arithmetic(const std::string& symbol, const Value& left, const Value& right) {
  if (symbol == "+") return add(left, right);
  if (symbol == "-") return subtract(left, right);
  if (symbol == "*") return multiply(left, right);
  if (symbol == "**") return power(left, right);
  return divide(symbol, left, right);
}

bool compare(const std::string& symbol, const Value& left, const Value& right) {
  if (symbol == "==") return left == right;
  if (symbol == "!=") return !(left == right);
  if (symbol == "<") return less(left, right);
  if (symbol == ">") return less(right, left);
  if (symbol == "<=") return !less(right, left);
  if (symbol == ">=") return !less(left, right);
  if (symbol == "in") return contains(right, left);
  return !contains(right, left);
}

bool contains(const Value& container, const Value& element) {
  if (const std::string* text = container.string())
    return find_part(*text, element.text()) != std::string::npos;
  if (const Dict* dict = container.mapping()) {
    const std::string* name = element.string();
    return name != nullptr && dict->find(*name) != nullptr;
  }
  if (container.undefined()) return false;
  if (container.is_iterator()) {  // it is used up as far as the element is found
    while (container.count() > 0) {
      if (container.next() == element) return true;
    }
    return false;
  }
  const List elements = container.elements();
  return std::find(elements.begin(), elements.end(), element) != elements.end();
}

Value item_of(const Value& value, const Value& key) {
  if (value.undefined()) fail("expected a value with items, found an undefined one");
  if (const Dict* dict = value.dict()) {
    const std::string* name = key.string();
    const Value* found = name == nullptr ? nullptr : dict->find(*name);
    return found == nullptr ? Value() : *found;
  }
  if (key.integer() == nullptr && key.boolean() == nullptr) return {};
  const std::int64_t index = key.whole_number();
  if (value.has_places()) {
    const List& elements = *value.counted();
    const auto place = place_of(index, elements.size());
    return place ? elements[*place] : Value();
  }
  if (value.string() == nullptr) return {};
  const std::vector<std::string_view> characters = characters_of(value.text());
  const auto place = place_of(index, characters.size());
  return place ? Value::of(std::string(characters[*place])) : Value();
}

Value item_or_method(const Value& value, const Value& key) {
  const Value item = item_of(value, key);
  const std::string* name = key.string();
  return item.undefined() && name != nullptr ? method_of(value, *name) : item;
}

Value attribute_of(const Value& value, const std::string& name) {
  if (value.undefined()) {
    fail(fmt::format("expected a value with the attribute \"{}\", found an undefined one",
                     short_name(name)));
  }
  Value method = method_of(value, name);
  if (!method.undefined()) return method;
  return value.dict() == nullptr ? Value() : item_of(value, Value::of(name));
}

Value slice_of(const Value& value, const Slice& slice) {
  if (const std::string* text = value.string()) {
    const std::vector<std::string_view> characters = characters_of(*text);
    std::string part;
    for (const std::size_t place : places_of(slice, characters.size())) part += characters[place];
    return Value::of(std::move(part));
  }
  if (!value.has_places()) fail("expected a list or string to slice, found " + value.kind());
  const List& elements = *value.counted();
  List part;
  for (const std::size_t place : places_of(slice, elements.size())) part.push_back(elements[place]);
  const bool range = value.list() == nullptr;
  return Value::of(std::move(part), range              ? Sequence::range
                                    : value.is_tuple() ? Sequence::tuple
                                                       : Sequence::list);
}

}  // namespace kedit::jinja
