#include "tokenizer/jinja/expression.hpp"

#include "tokenizer/jinja/expression_parser.hpp"
#include "tokenizer/jinja/operators.hpp"

#include <algorithm>

namespace kedit::jinja {
namespace {

constexpr int kDeepest = 100;  // nested parentheses in a template

Value no_value(const Scope&) { return {}; }

}  // namespace

ExpressionParser::Nested::Nested(ExpressionParser& parser) : parser_(parser) {
  if (parser_.depth_ >= kDeepest) {
    fail("expected an expression, found one that is nested too deep");
  }
  ++parser_.depth_;
}

Expression ExpressionParser::conditional() {
  const Nested nested(*this);
  Expression value = disjunction();
  while (cursor_.take_name("if")) {
    const Expression condition = disjunction();
    const Expression otherwise = cursor_.take_name("else") ? conditional() : Expression(no_value);
    value = [value, condition, otherwise](const Scope& scope) {
      return condition(scope).truth() ? value(scope) : otherwise(scope);
    };
  }
  return value;
}

Expression ExpressionParser::disjunction() {
  Expression left = conjunction();
  while (cursor_.take_name("or")) {
    const Expression right = conjunction();
    left = [left, right](const Scope& scope) {
      Value value = left(scope);
      return value.truth() ? value : right(scope);
    };
  }
  return left;
}

Expression ExpressionParser::conjunction() {
  Expression left = negation();
  while (cursor_.take_name("and")) {
    const Expression right = negation();
    left = [left, right](const Scope& scope) {
      Value value = left(scope);
      return value.truth() ? right(scope) : value;
    };
  }
  return left;
}

Expression ExpressionParser::negation() {
  if (!cursor_.take_name("not")) return comparison();
  const Nested nested(*this);
  const Expression inner = negation();
  return [inner](const Scope& scope) { return Value::of(!inner(scope).truth()); };
}

std::optional<std::string> ExpressionParser::take_comparison() {
  for (const char* symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
    if (cursor_.take_symbol(symbol)) return symbol;
  }
  if (cursor_.take_name("in")) return "in";
  if (cursor_.at_name("not") && cursor_.at_name("in", 1)) {
    cursor_.take_name("not");
    cursor_.take_name("in");
    return "not in";
  }
  return std::nullopt;
}

Expression ExpressionParser::comparison() {
  Expression left = sum();
  Expression chain;  // of all comparisons so far
  while (const auto symbol = take_comparison()) {
    const Expression right = sum();
    const Expression one = [left, right, symbol = *symbol](const Scope& scope) {
      const Value first = left(scope);
      const Value second = right(scope);
      scope.step(first.weight() + second.weight());
      return Value::of(compare(symbol, first, second));
    };
    const Expression before = chain;
    chain = before ? Expression([before, one](const Scope& scope) {
      return before(scope).truth() ? one(scope) : Value::of(false);
    })
                   : one;
    left = right;
  }
  return chain ? chain : left;
}

Expression ExpressionParser::binary(std::initializer_list<const char*> symbols, Level operand) {
  Expression left = (this->*operand)();
  while (cursor_.at(Token::Kind::symbol)) {
    const std::string symbol = cursor_.token().text;
    if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) break;
    cursor_.next();
    const Expression right = (this->*operand)();
    left = [left, right, symbol](const Scope& scope) {
      return arithmetic(symbol, left(scope), right(scope));
    };
  }
  return left;
}

Expression ExpressionParser::sum() { return binary({"+", "-"}, &ExpressionParser::concatenation); }

Expression ExpressionParser::concatenation() {
  Expression left = product();
  while (cursor_.take_symbol("~")) {
    const Expression right = product();
    left = [left, right](const Scope& scope) {
      return Value::of(left(scope).shown() + right(scope).shown());
    };
  }
  return left;
}

Expression ExpressionParser::product() {
  return binary({"*", "/", "//", "%"}, &ExpressionParser::power);
}

Expression ExpressionParser::power() { return binary({"**"}, &ExpressionParser::factor); }

Expression ExpressionParser::factor() { return filtered(signed_value()); }

Expression ExpressionParser::signed_value() {
  const Nested nested(*this);
  const bool plus = cursor_.take_symbol("+");
  if (!plus && !cursor_.take_symbol("-")) return postfix(primary());
  const Expression inner = signed_value();
  return [inner, plus](const Scope& scope) {
    const Value value = inner(scope);
    if (value.real() == nullptr) {
      return arithmetic(plus ? "+" : "-", Value::of(std::int64_t{0}), value);
    }
    return Value::of(plus ? *value.real() : -*value.real());
  };
}

Expression parse_expression(TokenCursor& cursor) { return ExpressionParser(cursor).conditional(); }

Expression parse_plain_expression(TokenCursor& cursor) {
  return ExpressionParser(cursor).disjunction();
}

}  // namespace kedit::jinja
