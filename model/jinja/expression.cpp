#include "model/jinja/template.hpp"
#include "model/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace kedit::jinja {
namespace {

constexpr int kDeepest = 100;  // nested parentheses in a template

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
  if (first != nullptr && second != nullptr) {
    List list = *first;
    list.insert(list.end(), second->begin(), second->end());
    return Value::of(std::move(list));
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

Value arithmetic(const std::string& symbol, const Value& left, const Value& right) {
  if (symbol == "+") return add(left, right);
  if (symbol == "*") return multiply(left, right);
  const bool real = left.real() != nullptr || right.real() != nullptr;
  if (symbol == "-") {
    if (real) return Value::of(left.number() - right.number());
    return checked('-', left.whole_number(), right.whole_number());
  }
  if (symbol == "**") {
    const double result = std::pow(left.number(), right.number());
    const bool whole = !real && right.number() >= 0 && std::abs(result) < 9e15;
    return whole ? Value::of(static_cast<std::int64_t>(result)) : Value::of(result);
  }
  if (right.number() == 0) fail("division by zero");
  if (symbol == "/") return Value::of(left.number() / right.number());
  if (symbol == "//") {
    if (real) return Value::of(std::floor(left.number() / right.number()));
    return Value::of(floor_divide(left.whole_number(), right.whole_number()));
  }
  if (real)
    return Value::of(left.number() - right.number() * std::floor(left.number() / right.number()));
  const std::int64_t divisor = right.whole_number();
  if (divisor == -1) return Value::of(std::int64_t{0});
  const std::int64_t rest = left.whole_number() % divisor;
  return Value::of(rest != 0 && (rest < 0) != (divisor < 0) ? rest + divisor : rest);
}

bool less(const Value& left, const Value& right) {
  const std::string* first = left.string();
  const std::string* second = right.string();
  if (first != nullptr && second != nullptr) return *first < *second;
  return left.number() < right.number();
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

// A key or a place; undefined where there is none.
Value item_of(const Value& value, const Value& key) {
  if (value.undefined()) fail("expected a value with items, found an undefined one");
  if (const Dict* dict = value.dict()) {
    const std::string* name = key.string();
    const Value* found = name == nullptr ? nullptr : dict->find(*name);
    return found == nullptr ? Value() : *found;
  }
  const std::int64_t* index = key.integer();
  if (index == nullptr || (value.list() == nullptr && value.string() == nullptr)) return {};
  const List elements = value.elements();
  const auto size = static_cast<std::int64_t>(elements.size());
  const std::int64_t place = *index < 0 ? *index + size : *index;
  if (place < 0 || place >= size) return {};
  return elements[static_cast<std::size_t>(place)];
}

Value attribute_of(const Value& value, const std::string& name) {
  if (value.undefined()) {
    fail(fmt::format("expected a value with the attribute \"{}\", found an undefined one", name));
  }
  const Value method = method_of(value, name);
  if (!method.undefined()) return method;
  return value.dict() == nullptr ? Value() : item_of(value, Value::of(name));
}

struct Slice {
  std::optional<std::int64_t> begin, end, step;
};

Value slice_of(const Value& value, const Slice& slice) {
  const List elements = value.elements();
  const auto size = static_cast<std::int64_t>(elements.size());
  const std::int64_t step = slice.step.value_or(1);
  if (step == 0) fail("expected a slice with a step, found 0");
  const auto place = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    const std::int64_t at = *given < 0 ? *given + size : *given;
    return std::clamp<std::int64_t>(at, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
  };
  const std::int64_t begin = place(slice.begin, step > 0 ? 0 : size - 1);
  const std::int64_t end = place(slice.end, step > 0 ? size : -1);
  List chosen;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) {
    chosen.push_back(elements[static_cast<std::size_t>(at)]);
    if (step > size || step < -size) break;
  }
  if (value.string() == nullptr) return Value::of(std::move(chosen));
  std::string text;
  for (const Value& character : chosen) text += character.text();
  return Value::of(std::move(text));
}

class ExpressionParser {
 public:
  ExpressionParser(const std::vector<Token>& tokens, std::size_t& at) : tokens_(tokens), at_(at) {}

  Expression conditional() {
    const Nested nested(*this);
    Expression value = disjunction();
    while (take_name("if")) {
      const Expression condition = disjunction();
      Expression otherwise = [](const Scope&) { return Value(); };
      if (take_name("else")) otherwise = conditional();
      value = [value, condition, otherwise](const Scope& scope) {
        return condition(scope).truth() ? value(scope) : otherwise(scope);
      };
    }
    return value;
  }

  Expression disjunction() {
    Expression left = conjunction();
    while (take_name("or")) {
      const Expression right = conjunction();
      left = [left, right](const Scope& scope) {
        Value value = left(scope);
        return value.truth() ? value : right(scope);
      };
    }
    return left;
  }

 private:
  struct Nested {
    explicit Nested(ExpressionParser& owner) : parser(owner) {
      if (++parser.depth_ > kDeepest)
        fail("expected an expression, found one that is nested too deep");
    }
    ~Nested() { --parser.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    ExpressionParser& parser;
  };

  bool at_end() const { return at_ >= tokens_.size(); }
  bool is(Token::Kind kind, std::string_view text, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].kind == kind &&
           tokens_[at_ + ahead].text == text;
  }
  bool take(Token::Kind kind, std::string_view text) {
    if (!is(kind, text)) return false;
    ++at_;
    return true;
  }
  bool take_name(std::string_view text) { return take(Token::Kind::name, text); }
  bool take_symbol(std::string_view text) { return take(Token::Kind::symbol, text); }
  void expect_symbol(std::string_view text) {
    if (!take_symbol(text)) fail(fmt::format("expected \"{}\", found {}", text, found()));
  }
  std::string found() const {
    return at_end() ? "the end of the tag" : "\"" + tokens_[at_].text + "\"";
  }
  std::string expect_name() {
    if (at_end() || tokens_[at_].kind != Token::Kind::name)
      fail("expected a name, found " + found());
    return tokens_[at_++].text;
  }

  Expression conjunction() {
    Expression left = negation();
    while (take_name("and")) {
      const Expression right = negation();
      left = [left, right](const Scope& scope) {
        Value value = left(scope);
        return value.truth() ? right(scope) : value;
      };
    }
    return left;
  }

  Expression negation() {
    if (!take_name("not")) return comparison();
    const Nested nested(*this);
    const Expression inner = negation();
    return [inner](const Scope& scope) { return Value::of(!inner(scope).truth()); };
  }

  std::optional<std::string> take_comparison() {
    for (const char* symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (take_symbol(symbol)) return symbol;
    }
    if (take_name("in")) return "in";
    if (is(Token::Kind::name, "not") && is(Token::Kind::name, "in", 1)) {
      at_ += 2;
      return "not in";
    }
    return std::nullopt;
  }

  Expression comparison() {
    Expression left = sum();
    Expression chain;  // of all comparisons so far
    while (const auto symbol = take_comparison()) {
      const Expression right = sum();
      const Expression one = [left, right, symbol = *symbol](const Scope& scope) {
        return Value::of(compare(symbol, left(scope), right(scope)));
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

  template <typename Operand>
  Expression binary(std::initializer_list<const char*> symbols, Operand operand) {
    Expression left = operand();
    while (!at_end() && tokens_[at_].kind == Token::Kind::symbol) {
      const auto symbol = std::find(symbols.begin(), symbols.end(), tokens_[at_].text);
      if (symbol == symbols.end()) break;
      ++at_;
      const Expression right = operand();
      left = [left, right, name = std::string(*symbol)](const Scope& scope) {
        scope.step();
        return arithmetic(name, left(scope), right(scope));
      };
    }
    return left;
  }

  Expression sum() {
    return binary({"+", "-"}, [this] { return concatenation(); });
  }

  Expression concatenation() {
    Expression left = product();
    while (take_symbol("~")) {
      const Expression right = product();
      left = [left, right](const Scope& scope) {
        return Value::of(left(scope).shown() + right(scope).shown());
      };
    }
    return left;
  }

  Expression product() {
    return binary({"*", "/", "//", "%"}, [this] { return power(); });
  }

  Expression power() {
    return binary({"**"}, [this] { return signed_value(true); });
  }

  Expression signed_value(bool filters) {
    const Nested nested(*this);
    Expression value;
    if (take_symbol("-")) {
      const Expression inner = signed_value(false);
      value = [inner](const Scope& scope) {
        return arithmetic("-", Value::of(std::int64_t{0}), inner(scope));
      };
    } else if (take_symbol("+")) {
      value = signed_value(false);
    } else {
      value = postfix(primary());
    }
    return filters ? filtered(value) : value;
  }

  Expression primary() {
    if (at_end()) fail("expected an expression, found the end of the tag");
    const Token token = tokens_[at_];
    if (token.kind == Token::Kind::name) return named();
    if (token.kind == Token::Kind::string) return constant(Value::of(strings()));
    ++at_;
    if (token.kind == Token::Kind::integer)
      return constant(Value::of(std::int64_t{std::stoll(token.text)}));
    if (token.kind == Token::Kind::real) return constant(Value::of(std::stod(token.text)));
    if (token.text == "(") return parenthesised();
    if (token.text == "[") return listed("]");
    if (token.text == "{") return dictionary();
    --at_;
    fail("expected an expression, found " + found());
  }

  static Expression constant(Value value) {
    return [value = std::move(value)](const Scope&) { return value; };
  }

  std::string strings() {  // neighbours are one
    std::string text;
    while (!at_end() && tokens_[at_].kind == Token::Kind::string) text += tokens_[at_++].text;
    return text;
  }

  Expression named() {
    const std::string name = tokens_[at_++].text;
    if (name == "true" || name == "True") return constant(Value::of(true));
    if (name == "false" || name == "False") return constant(Value::of(false));
    if (name == "none" || name == "None") return constant(Value::none());
    return [name](const Scope& scope) { return scope.get(name); };
  }

  Expression parenthesised() {
    if (take_symbol(")")) return constant(Value::of(List{}));
    const Expression first = conditional();
    if (take_symbol(")")) return first;
    expect_symbol(",");
    return listed(")", first);
  }

  Expression listed(std::string_view end, const Expression& first = nullptr) {
    std::vector<Expression> elements;
    if (first) elements.push_back(first);
    while (!take_symbol(end)) {
      elements.push_back(conditional());
      if (take_symbol(",")) continue;
      expect_symbol(end);
      break;
    }
    return [elements](const Scope& scope) {
      List list;
      for (const Expression& element : elements) list.push_back(element(scope));
      return Value::of(std::move(list));
    };
  }

  Expression dictionary() {
    std::vector<std::pair<Expression, Expression>> items;
    while (!take_symbol("}")) {
      Expression key = conditional();
      expect_symbol(":");
      items.emplace_back(std::move(key), conditional());
      if (take_symbol(",")) continue;
      expect_symbol("}");
      break;
    }
    return [items](const Scope& scope) {
      Dict dict;
      for (const auto& [key, value] : items) dict.set(key(scope).text(), value(scope));
      return Value::of(std::move(dict));
    };
  }

  Expression postfix(Expression value) {
    while (true) {
      if (take_symbol(".")) {
        const std::string name = expect_name();
        value = [value, name](const Scope& scope) { return attribute_of(value(scope), name); };
      } else if (take_symbol("[")) {
        value = subscript(value);
      } else if (take_symbol("(")) {
        value = call(value, arguments());
      } else {
        return value;
      }
    }
  }

  Expression subscript(const Expression& value) {
    std::vector<Expression> parts(1);
    while (!take_symbol("]")) {
      if (take_symbol(":")) {
        parts.emplace_back();
      } else {
        parts.back() = conditional();
      }
      if (parts.size() > 3) fail("expected a slice of three parts, found more");
    }
    if (parts.size() == 1) {
      if (!parts[0]) fail("expected a key, found \"]\"");
      return [value, key = parts[0]](const Scope& scope) {
        return item_or_method(value(scope), key(scope));
      };
    }
    parts.resize(3);
    return [value, parts](const Scope& scope) {
      const auto part = [&](std::size_t i) -> std::optional<std::int64_t> {
        const Value given = parts[i] ? parts[i](scope) : Value::none();
        return given.is_none() ? std::nullopt : std::optional(given.whole_number());
      };
      return slice_of(value(scope), {part(0), part(1), part(2)});
    };
  }

  static Value item_or_method(const Value& value, const Value& key) {
    const Value item = item_of(value, key);
    const std::string* name = key.string();
    return item.undefined() && name != nullptr ? method_of(value, *name) : item;
  }

  using ArgumentList = std::vector<std::pair<std::string, Expression>>;

  ArgumentList arguments() {
    ArgumentList list;
    while (!take_symbol(")")) {
      std::string name;
      if (!at_end() && tokens_[at_].kind == Token::Kind::name && is(Token::Kind::symbol, "=", 1)) {
        name = tokens_[at_].text;
        at_ += 2;
      }
      list.emplace_back(name, conditional());
      if (take_symbol(",")) continue;
      expect_symbol(")");
      break;
    }
    return list;
  }

  static Arguments evaluate(const ArgumentList& list, const Scope& scope) {
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

  static Expression call(const Expression& value, const ArgumentList& list) {
    return [value, list](const Scope& scope) {
      scope.step();
      const Value called = value(scope);
      const Function* function = called.function();
      if (function == nullptr) fail("expected a function, found " + called.kind());
      return (*function)(evaluate(list, scope));
    };
  }

  Expression filtered(Expression value) {
    while (true) {
      if (take_symbol("|")) {
        value = filter(value);
      } else if (take_name("is")) {
        value = test(value);
      } else if (take_symbol("(")) {
        value = call(value, arguments());
      } else {
        return value;
      }
    }
  }

  Expression filter(const Expression& value) {
    const std::string name = expect_name();
    if (!knows_filter(name)) fail(fmt::format("the filter \"{}\" is not supported", name));
    const ArgumentList list = take_symbol("(") ? arguments() : ArgumentList{};
    return [value, name, list](const Scope& scope) {
      scope.step();
      return apply_filter(name, value(scope), evaluate(list, scope));
    };
  }

  // Whether a test has one more operand after its name, without parentheses.
  bool operand_follows() const {
    if (at_end()) return false;
    const Token& token = tokens_[at_];
    if (token.kind == Token::Kind::symbol) return token.text == "[" || token.text == "{";
    if (token.kind != Token::Kind::name) return true;
    return token.text != "else" && token.text != "and" && token.text != "or" &&
           token.text != "is" && token.text != "if" && token.text != "not" && token.text != "in";
  }

  Expression test(const Expression& value) {
    const bool negated = take_name("not");
    const std::string name = expect_name();
    if (!knows_test(name)) fail(fmt::format("the test \"{}\" is not supported", name));
    ArgumentList list;
    if (take_symbol("(")) {
      list = arguments();
    } else if (operand_follows()) {
      list.emplace_back("", postfix(primary()));
    }
    return [value, name, list, negated](const Scope& scope) {
      return Value::of(apply_test(name, value(scope), evaluate(list, scope)) != negated);
    };
  }

  const std::vector<Token>& tokens_;
  std::size_t& at_;
  int depth_ = 0;
};

}  // namespace

Expression parse_expression(const std::vector<Token>& tokens, std::size_t& at) {
  return ExpressionParser(tokens, at).conditional();
}

Expression parse_plain_expression(const std::vector<Token>& tokens, std::size_t& at) {
  return ExpressionParser(tokens, at).disjunction();
}

}  // namespace kedit::jinja
