#pragma once

#include "tokenizer/jinja/scope.hpp"
#include "tokenizer/jinja/token_cursor.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::jinja {

/// Parses one expression by recursive descent: one function for each level of precedence, the
/// loosest first.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenCursor& cursor) : cursor_(cursor) {}

  Expression conditional();
  Expression disjunction();

 private:
  /// Counts the levels within each other, so that a hostile template cannot exhaust the stack.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };
  using ArgumentList = std::vector<std::pair<std::string, Expression>>;
  using Level = Expression (ExpressionParser::*)();

  // Operators: expression.cpp.
  Expression conjunction();
  Expression negation();
  Expression comparison();
  std::optional<std::string> take_comparison();
  Expression binary(std::initializer_list<const char*> symbols, Level operand);
  Expression sum();
  Expression concatenation();
  Expression product();
  Expression power();
  Expression factor();
  Expression signed_value();

  // What operators work on: operand.cpp.
  Expression primary();
  Expression named();
  Expression parenthesised();
  Expression listed(std::string_view end, const Expression& first = {});
  Expression dictionary();
  Expression postfix(Expression value);
  Expression subscript(const Expression& value);
  ArgumentList arguments();
  Expression filtered(Expression value);
  Expression filter(const Expression& value);
  Expression test(const Expression& value);
  bool operand_follows() const;

  static Arguments evaluate(const ArgumentList& list, const Scope& scope);
  static Expression call(const Expression& value, const ArgumentList& list);

  TokenCursor& cursor_;
  int depth_ = 0;
};

}  // namespace kedit::jinja
