#pragma once

#include "tokenizer/jinja/scope.hpp"
#include "tokenizer/jinja/value.hpp"

#include <string>
#include <utility>
#include <vector>

// The filters, tests, methods and functions that templates may use.
namespace kedit::jinja {

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
bool knows_filter(const std::string& name);
/// Bytes that a filter may go through.
std::size_t filter_cost(const std::string& name, const Value& value, const Arguments& arguments);

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
bool knows_test(const std::string& name);

/// What a dictionary holds, as a list of pairs. Throws for what is no dictionary.
List items_of(const Value& value);
/// A method of a string or dictionary; undefined when it has none of this name.
Value method_of(const Value& value, const std::string& name);
/// range, namespace, dict, raise_exception.
void add_functions(Scope& scope);

}  // namespace kedit::jinja
