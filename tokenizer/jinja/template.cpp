#include "tokenizer/jinja/template.hpp"

#include "json/short_name.hpp"
#include "tokenizer/jinja/expression.hpp"
#include "tokenizer/jinja/functions.hpp"
#include "tokenizer/jinja/lexer.hpp"
#include "tokenizer/jinja/statements.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::jinja {
namespace {

constexpr std::size_t kLongest = std::size_t{256} << 10U;  // bytes; known templates have 20 KiB

class TemplateParser {
 public:
  explicit TemplateParser(std::vector<Stretch> stretches) : stretches_(std::move(stretches)) {}

  Block run() {
    Block body = block({});
    if (next_ < stretches_.size()) refuse_statement();
    return body;
  }

 private:
  static constexpr int kDeepest = 100;

  static std::string name_of(const Stretch& stretch) {
    return stretch.kind == Stretch::Kind::statement && !stretch.tokens.empty()
               ? stretch.tokens[0].text
               : "";
  }
  bool at_statement(std::string_view name) const {
    return next_ < stretches_.size() && name_of(stretches_[next_]) == name;
  }

  [[noreturn]] void refuse_statement() const {
    fail(fmt::format("line {}: the statement \"{}\" is not supported here", stretches_[next_].line,
                     short_name(name_of(stretches_[next_]))));
  }

  // Runs `parse` and says the line of what goes wrong.
  template <typename Parse>
  auto with_line(Parse parse) {
    const std::size_t line = stretches_[next_].line;
    try {
      return parse();
    } catch (const TemplateError& error) {
      const std::string message = error.what();
      if (message.starts_with("line ")) throw;
      fail(fmt::format("line {}: {}", line, message));
    }
  }

  // Statements up to one of those named, which is left to the caller.
  Block block(const std::vector<std::string_view>& ends) {
    if (++depth_ > kDeepest) fail("expected statements, found some that are nested too deep");
    auto statements = std::make_shared<std::vector<Statement>>();
    for (; next_ < stretches_.size(); ++next_) {
      const std::string name = name_of(stretches_[next_]);
      if (!name.empty() && std::find(ends.begin(), ends.end(), name) != ends.end()) break;
      if (stretches_[next_].kind == Stretch::Kind::statement && name.starts_with("end")) break;
      if (name == "else" || name == "elif") break;
      statements->push_back(with_line([&] { return statement(); }));
    }
    --depth_;
    return statements;
  }

  void expect_end(std::string_view name) const {
    if (at_statement(name)) return;
    fail(fmt::format("expected \"{}\", found {}", name,
                     next_ < stretches_.size()
                         ? "\"" + short_name(name_of(stretches_[next_])) + "\""
                         : "the end of the template"));
  }

  Statement statement() {
    const Stretch& stretch = stretches_[next_];
    if (stretch.kind == Stretch::Kind::text) {
      return [text = stretch.text](Scope& scope, std::string& out) {
        print(scope, text, out);
        return Flow::next;
      };
    }
    if (stretch.kind == Stretch::Kind::expression) return printing();
    const std::string name = name_of(stretch);
    if (name == "if") return condition();
    if (name == "for") return loop();
    if (name == "set") return assignment();
    if (name == "macro") return macro();
    if (name == "generation") return transparent("endgeneration");
    if (name == "break" || name == "continue") {
      const Flow flow = name == "break" ? Flow::leave_loop : Flow::next_turn;
      return [flow](Scope&, std::string&) { return flow; };
    }
    if (name == "do") return discarded();
    refuse_statement();
  }

  // The tokens of this tag from a place on.
  TokenCursor cursor(std::size_t from) const { return TokenCursor(stretches_[next_].tokens, from); }

  Expression whole_expression(std::size_t from) const {
    TokenCursor here = cursor(from);
    Expression expression = parse_expression(here);
    here.expect_end();
    return expression;
  }

  Statement printing() const {
    return [expression = whole_expression(0)](Scope& scope, std::string& out) {
      print(scope, expression(scope).shown(), out);
      return Flow::next;
    };
  }

  Statement discarded() const {
    return [expression = whole_expression(1)](Scope& scope, std::string&) {
      expression(scope);
      return Flow::next;
    };
  }

  Statement transparent(std::string_view end) {
    ++next_;
    const Block body = block({end});
    expect_end(end);
    return [body](Scope& scope, std::string& out) { return kedit::jinja::run(body, scope, out); };
  }

  Statement condition() {
    std::vector<std::pair<Expression, Block>> branches;
    Block otherwise;
    while (true) {
      const bool last = at_statement("else");
      Expression test = last ? Expression() : whole_expression(1);
      ++next_;
      const Block body = block({"elif", "else", "endif"});
      if (last) {
        otherwise = body;
      } else {
        branches.emplace_back(std::move(test), body);
      }
      if (last || at_statement("endif")) break;
      if (!at_statement("elif") && !at_statement("else")) break;
    }
    expect_end("endif");
    return [branches, otherwise](Scope& scope, std::string& out) {
      for (const auto& [test, body] : branches) {
        if (test(scope).truth()) return kedit::jinja::run(body, scope, out);
      }
      return otherwise ? kedit::jinja::run(otherwise, scope, out) : Flow::next;
    };
  }

  static std::vector<std::string> targets(TokenCursor& here) {
    std::vector<std::string> names;
    const bool bracketed = here.take_symbol("(");
    while (here.at(Token::Kind::name)) {
      names.push_back(here.next().text);
      if (!here.take_symbol(",")) break;
    }
    if (bracketed) here.expect_symbol(")");
    if (names.empty()) fail("expected a name, found none");
    return names;
  }

  Statement loop() {
    Loop result;
    TokenCursor here = cursor(1);
    result.names = targets(here);
    here.expect_keyword("in");
    result.elements = parse_plain_expression(here);
    if (here.take_name("if")) result.condition = parse_expression(here);
    here.expect_end("the loop's head");
    ++next_;
    ++within_;
    result.body = block({"else", "endfor"});
    --within_;
    if (at_statement("else")) {
      ++next_;
      result.otherwise = block({"endfor"});
    }
    expect_end("endfor");
    return result;
  }

  Statement assignment() {
    TokenCursor here = cursor(1);
    const std::vector<std::string> names = targets(here);
    if (here.at_end()) return block_assignment(names[0]);
    if (here.take_symbol(".")) return namespace_assignment(names[0], here);
    here.expect_symbol("=");
    const Expression value = assigned_value(here);
    return [names, value](Scope& scope, std::string&) {
      assign(scope, names, value(scope));
      return Flow::next;
    };
  }

  // "a, b" without brackets is a tuple.
  static Expression assigned_value(TokenCursor& here) {
    std::vector<Expression> parts{parse_expression(here)};
    while (here.take_symbol(",")) parts.push_back(parse_expression(here));
    here.expect_end();
    if (parts.size() == 1) return parts[0];
    return [parts](const Scope& scope) {
      List list;
      for (const Expression& part : parts) list.push_back(part(scope));
      return Value::of(std::move(list), Sequence::tuple);
    };
  }

  Statement block_assignment(const std::string& name) {
    ++next_;
    const Block body = block({"endset"});
    expect_end("endset");
    return [name, body](Scope& scope, std::string&) {
      std::string text;
      Scope inner(&scope, scope.budget());
      const Flow flow = kedit::jinja::run(body, inner, text);
      scope.set(name, Value::of(std::move(text)));
      return flow;
    };
  }

  // Whether a statement or expression from `begin` to here has the name.
  bool names_within(std::size_t begin, std::string_view name) const {
    return std::any_of(
        stretches_.begin() + static_cast<std::ptrdiff_t>(begin),
        stretches_.begin() + static_cast<std::ptrdiff_t>(next_), [&](const Stretch& stretch) {
          return std::any_of(stretch.tokens.begin(), stretch.tokens.end(), [&](const Token& token) {
            return token.kind == Token::Kind::name && token.text == name;
          });
        });
  }

  static Statement namespace_assignment(const std::string& name, TokenCursor& here) {
    const std::string key = here.expect_name();
    here.expect_symbol("=");
    const Expression value = assigned_value(here);
    return [name, key, value](Scope& scope, std::string&) {
      scope.get(name).assign(key, value(scope));
      return Flow::next;
    };
  }

  Statement macro() {
    if (within_ > 0) fail("a macro within a loop or another macro is not supported");
    auto result = std::make_shared<Macro>();
    TokenCursor here = cursor(1);
    const std::string name = result->name = here.expect_name();
    here.expect_symbol("(");
    while (!here.take_symbol(")")) {
      std::string parameter = here.expect_name();
      const bool optional = here.take_symbol("=");
      result->parameters.emplace_back(std::move(parameter),
                                      optional ? parse_expression(here) : Expression());
      if (!here.take_symbol(",") && !here.at_symbol(")")) here.expect_symbol(",");
    }
    here.expect_end();
    const std::size_t begin = ++next_;
    ++within_;
    result->body = block({"endmacro"});
    --within_;
    expect_end("endmacro");
    result->uses_varargs = names_within(begin, "varargs");
    result->uses_kwargs = names_within(begin, "kwargs");
    if (names_within(begin, "caller")) fail("the name \"caller\" in a macro is not supported");
    return [name, result](Scope& scope, std::string&) {
      const Scope& home = scope.outermost();
      scope.set(name, Value::of(Function([result, &home](const Arguments& arguments) {
                  return result->call(home, arguments);
                })));
      return Flow::next;
    };
  }

  std::vector<Stretch> stretches_;
  std::size_t next_ = 0;
  int depth_ = 0;
  int within_ = 0;  // loops and macros
};

}  // namespace

Template::Template(std::string_view source) {
  if (source.size() > kLongest) {
    fail(fmt::format("expected at most {} bytes, found {}", kLongest, source.size()));
  }
  if (tokenizer::first_invalid_utf8(source)) fail("expected UTF-8, found other bytes");
  const Block body = TemplateParser(take_template_apart(source)).run();
  body_ = [body](Scope& scope, std::string& out) { return run(body, scope, out); };
}

std::string Template::render(const Dict& names) const {
  Scope::Budget budget;
  Scope scope(nullptr, budget);
  add_functions(scope);
  for (const auto& [name, value] : names.items) scope.set(name, value);
  std::string out;
  body_(scope, out);
  return out;
}

}  // namespace kedit::jinja
