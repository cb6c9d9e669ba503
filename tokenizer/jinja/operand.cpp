#include "json/short_name.hpp"
#include "tokenizer/jinja/expression_parser.hpp"
#include "tokenizer/jinja/functions.hpp"
#include "tokenizer/jinja/operators.hpp"

#include <fmt/format.h>

namespace kedit::jinja {
namespace {

Expression constant(Value value) {
  return [value = std::move(value)](const Scope&) { return value; };
}

std::string strings(TokenCursor& cursor) {  // neighbours are one
  std::string text;
  while (cursor.at(Token::Kind::string)) text += cursor.next().text;
  return text;
}

}  // namespace

Expression ExpressionParser::primary() {
  if (cursor_.at_end()) fail("expected an expression, found the end of the tag");
  if (cursor_.at(Token::Kind::name)) return named();
  if (cursor_.at(Token::Kind::string)) return constant(Value::of(strings(cursor_)));
  if (cursor_.at(Token::Kind::integer)) {
    return constant(Value::of(std::int64_t{std::stoll(cursor_.next().text)}));
  }
  if (cursor_.at(Token::Kind::real)) return constant(Value::of(std::stod(cursor_.next().text)));
  if (cursor_.take_symbol("(")) return parenthesised();
  if (cursor_.take_symbol("[")) return listed("]");
  if (cursor_.take_symbol("{")) return dictionary();
  fail("expected an expression, found " + cursor_.found());
}

Expression ExpressionParser::named() {
  const std::string name = cursor_.next().text;
  if (name == "true" || name == "True") return constant(Value::of(true));
  if (name == "false" || name == "False") return constant(Value::of(false));
  if (name == "none" || name == "None") return constant(Value::none());
  if (name == "self" || name == "super")
    fail(fmt::format("the name \"{}\" is not supported", short_name(name)));
  return [name](const Scope& scope) { return scope.get(name); };
}

Expression ExpressionParser::parenthesised() {
  if (cursor_.take_symbol(")")) return constant(Value::of(List{}, Sequence::tuple));
  Expression first = conditional();
  if (cursor_.take_symbol(")")) return first;
  cursor_.expect_symbol(",");
  return listed(")", first);
}

// A list, or a tuple where it began with `first`.

Expression ExpressionParser::listed(std::string_view end, const Expression& first) {
  std::vector<Expression> elements;
  if (first) elements.push_back(first);
  while (!cursor_.take_symbol(end)) {
    elements.push_back(conditional());
    if (cursor_.take_symbol(",")) continue;
    cursor_.expect_symbol(end);
    break;
  }
  const Sequence kind = first ? Sequence::tuple : Sequence::list;
  return [elements, kind](const Scope& scope) {
    List list;
    for (const Expression& element : elements) list.push_back(element(scope));
    return Value::of(std::move(list), kind);
  };
}

Expression ExpressionParser::dictionary() {
  std::vector<std::pair<Expression, Expression>> items;
  while (!cursor_.take_symbol("}")) {
    Expression key = conditional();
    cursor_.expect_symbol(":");
    items.emplace_back(std::move(key), conditional());
    if (cursor_.take_symbol(",")) continue;
    cursor_.expect_symbol("}");
    break;
  }
  return [items](const Scope& scope) {
    Dict dict;
    for (const auto& [key, value] : items) dict.set(key(scope).text(), value(scope));
    return Value::of(std::move(dict));
  };
}

Expression ExpressionParser::postfix(Expression value) {
  while (true) {
    if (cursor_.take_symbol(".")) {
      const std::string name = cursor_.expect_name();
      value = [value, name](const Scope& scope) { return attribute_of(value(scope), name); };
    } else if (cursor_.take_symbol("[")) {
      value = subscript(value);
    } else if (cursor_.take_symbol("(")) {
      value = call(value, arguments());
    } else {
      return value;
    }
  }
}

Expression ExpressionParser::subscript(const Expression& value) {
  std::vector<Expression> parts(1);
  while (!cursor_.take_symbol("]")) {
    if (cursor_.take_symbol(":")) {
      parts.emplace_back();
    } else {
      parts.back() = conditional();
    }
    if (parts.size() > 3) fail("expected a slice of three parts, found more");
  }
  if (parts.size() == 1) {
    if (!parts[0]) fail("expected a key, found \"]\"");
    return [value, key = parts[0]](const Scope& scope) {
      const Value container = value(scope);
      if (container.string() != nullptr) scope.step(container.size());
      return item_or_method(container, key(scope));
    };
  }
  parts.resize(3);
  return [value, parts](const Scope& scope) {
    const auto part = [&](std::size_t i) -> std::optional<std::int64_t> {
      const Value given = parts[i] ? parts[i](scope) : Value::none();
      return given.is_none() ? std::nullopt : std::optional(given.whole_number());
    };
    const Value sliced = value(scope);
    scope.step(sliced.size());
    return slice_of(sliced, {part(0), part(1), part(2)});
  };
}

ExpressionParser::ArgumentList ExpressionParser::arguments() {
  ArgumentList list;
  while (!cursor_.take_symbol(")")) {
    std::string name;
    if (cursor_.at(Token::Kind::name) && cursor_.at_symbol("=", 1)) {
      name = cursor_.next().text;
      cursor_.next();
    }
    list.emplace_back(name, conditional());
    if (cursor_.take_symbol(",")) continue;
    cursor_.expect_symbol(")");
    break;
  }
  return list;
}

Arguments ExpressionParser::evaluate(const ArgumentList& list, const Scope& scope) {
  Arguments arguments;
  for (const auto& [name, expression] : list) {
    if (name.empty()) {
      arguments.positional.push_back(expression(scope));
    } else {
      arguments.named.emplace_back(name, expression(scope));
    }
  }
  return arguments;
}

Expression ExpressionParser::call(const Expression& value, const ArgumentList& list) {
  return [value, list](const Scope& scope) {
    const Value called = value(scope);
    const Function* function = called.function();
    if (function == nullptr) fail("expected a function, found " + called.kind());
    const Arguments arguments = evaluate(list, scope);
    scope.step(called.size() + arguments.weight());
    return (*function)(arguments);
  };
}

Expression ExpressionParser::filtered(Expression value) {
  while (true) {
    if (cursor_.take_symbol("|")) {
      value = filter(value);
    } else if (cursor_.take_name("is")) {
      value = test(value);
    } else if (cursor_.take_symbol("(")) {
      value = call(value, arguments());
    } else {
      return value;
    }
  }
}

Expression ExpressionParser::filter(const Expression& value) {
  const std::string name = cursor_.expect_name();
  if (!knows_filter(name))
    fail(fmt::format("the filter \"{}\" is not supported", short_name(name)));
  const ArgumentList list = cursor_.take_symbol("(") ? arguments() : ArgumentList{};
  return [value, name, list](const Scope& scope) {
    const Value input = value(scope);
    const Arguments arguments = evaluate(list, scope);
    scope.step(filter_cost(name, input, arguments));
    return apply_filter(name, input, arguments);
  };
}

// Whether a test has one more operand after its name, without parentheses.
bool ExpressionParser::operand_follows() const {
  if (cursor_.at_end()) return false;
  if (cursor_.at(Token::Kind::symbol)) return cursor_.at_symbol("[") || cursor_.at_symbol("{");
  for (const char* keyword : {"else", "and", "or", "is", "if", "not", "in"}) {
    if (cursor_.at_name(keyword)) return false;
  }
  return true;
}

Expression ExpressionParser::test(const Expression& value) {
  const bool negated = cursor_.take_name("not");
  const std::string name = cursor_.expect_name();
  if (!knows_test(name)) fail(fmt::format("the test \"{}\" is not supported", short_name(name)));
  ArgumentList list;
  if (cursor_.take_symbol("(")) {
    list = arguments();
  } else if (operand_follows()) {
    list.emplace_back("", postfix(primary()));
  }
  return [value, name, list, negated](const Scope& scope) {
    const Value tested = value(scope);
    const Arguments arguments = evaluate(list, scope);
    // Without an argument a test looks at the kind only.
    if (!list.empty()) scope.step(tested.weight() + arguments.weight());
    return Value::of(apply_test(name, tested, arguments) != negated);
  };
}

}  // namespace kedit::jinja
