#pragma once

#include "tokenizer/jinja/value.hpp"

#include <cstdint>
#include <optional>
#include <string>

// What the language's operators do with values, as in Python.
namespace kedit::jinja {

/// One of + - * / // % **. Throws for operands that have no such operation, and for results that do
/// not fit.
Value arithmetic(const std::string& symbol, const Value& left, const Value& right);
/// One of == != < > <= >= "in" "not in".
bool compare(const std::string& symbol, const Value& left, const Value& right);
/// Whether a text, list or dictionary has a part, element or key.
bool contains(const Value& container, const Value& element);

/// value[key]: a key or a place; undefined where there is none.
Value item_of(const Value& value, const Value& key);
/// The same, else a method of that name, as templates find `value["name"]`.
Value item_or_method(const Value& value, const Value& key);
/// value.name: a method or a key; undefined where there is none.
Value attribute_of(const Value& value, const std::string& name);

/// Where a slice begins and ends, and its step; each may be left out.
struct Slice {
  std::optional<std::int64_t> begin, end, step;
};
/// value[begin:end:step] of a list or string.
Value slice_of(const Value& value, const Slice& slice);

}  // namespace kedit::jinja
