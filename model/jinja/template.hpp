#pragma once

#include "model/jinja/lexer.hpp"
#include "model/jinja/value.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::jinja {

/// Names and their values while a template renders. Loops and macros have scopes of their own.
class Scope {
 public:
  /// Steps and output that all scopes of one rendering share, so that a hostile template ends.
  struct Budget {
    std::int64_t steps = 2'000'000;
    std::size_t output = std::size_t{16} << 20U;
    int depth = 100;
  };

  Scope(const Scope* parent, Budget& budget) : parent_(parent), budget_(budget) {}

  Value get(const std::string& name) const;
  void set(const std::string& name, Value value) { names_.set(name, std::move(value)); }
  const Scope& outermost() const { return parent_ == nullptr ? *this : parent_->outermost(); }
  Budget& budget() const { return budget_; }
  /// Throws when the budget is used up.
  void step() const;

 private:
  const Scope* parent_;
  Budget& budget_;
  Dict names_;
};

using Expression = std::function<Value(const Scope&)>;
/// How the statements after this one go on.
enum class Flow { next, leave_loop, next_turn };
using Statement = std::function<Flow(Scope&, std::string& out)>;

/// A template, parsed once. Immutable.
class Template {
 public:
  /// Throws `TemplateError` for damage and for what is not supported, with the line.
  explicit Template(std::string_view source);

  /// Throws `TemplateError` when an expression fails or the template raises an exception.
  std::string render(const Dict& names) const;

 private:
  Statement body_;
};

/// The expression in the tokens of a tag, from `at` on, which then stands behind it.
Expression parse_expression(const std::vector<Token>& tokens, std::size_t& at);
/// The same without "a if b else c", as in the head of a loop.
Expression parse_plain_expression(const std::vector<Token>& tokens, std::size_t& at);

/// Appends to the output within the budget.
void print(const Scope& scope, std::string_view text, std::string& out);

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
bool knows_filter(const std::string& name);
bool knows_test(const std::string& name);
/// A method of a string, list or dictionary; undefined when it has none of this name.
Value method_of(const Value& value, const std::string& name);
/// range, namespace, dict, raise_exception.
void add_functions(Scope& scope);
bool contains(const Value& container, const Value& element);

}  // namespace kedit::jinja
