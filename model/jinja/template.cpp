#include "model/jinja/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace kedit::jinja {
namespace {

using Block = std::shared_ptr<const std::vector<Statement>>;

Flow run(const Block& block, Scope& scope, std::string& out) {
  for (const Statement& statement : *block) {
    scope.step();
    const Flow flow = statement(scope, out);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Value loop_variable(const List& elements, std::size_t i) {
  const auto index = static_cast<std::int64_t>(i);
  const auto length = static_cast<std::int64_t>(elements.size());
  Dict loop;
  loop.set("index0", Value::of(index));
  loop.set("index", Value::of(index + 1));
  loop.set("revindex0", Value::of(length - index - 1));
  loop.set("revindex", Value::of(length - index));
  loop.set("first", Value::of(index == 0));
  loop.set("last", Value::of(index + 1 == length));
  loop.set("length", Value::of(length));
  loop.set("previtem", i > 0 ? elements[i - 1] : Value());
  loop.set("nextitem", i + 1 < elements.size() ? elements[i + 1] : Value());
  return Value::of(std::move(loop));
}

void assign(Scope& scope, const std::vector<std::string>& names, const Value& value) {
  if (names.size() == 1) return scope.set(names[0], value);
  const List parts = value.elements();
  if (parts.size() != names.size()) {
    fail(fmt::format("expected {} values to unpack, found {}", names.size(), parts.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) scope.set(names[i], parts[i]);
}

struct Loop {
  std::vector<std::string> names;
  Expression elements, condition;  // the latter may be empty
  Block body, otherwise;           // the latter may be null

  Flow operator()(Scope& scope, std::string& out) const {
    List chosen;
    for (Value& element : elements(scope).elements()) {
      scope.step();
      Scope inner(&scope, scope.budget());
      assign(inner, names, element);
      if (!condition || condition(inner).truth()) chosen.push_back(std::move(element));
    }
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      Scope inner(&scope, scope.budget());
      inner.set("loop", loop_variable(chosen, i));
      assign(inner, names, chosen[i]);
      if (run(body, inner, out) == Flow::leave_loop) break;
    }
    return chosen.empty() && otherwise ? run(otherwise, scope, out) : Flow::next;
  }
};

struct Macro {
  std::vector<std::pair<std::string, Expression>> parameters;  // default or nothing
  Block body;

  Value call(const Scope& home, const Arguments& arguments) const {
    Scope inner(&home.outermost(), home.budget());
    if (--home.budget().depth < 0) fail("expected macros that end, found endless calls");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      Value given = arguments.get(i, parameters[i].first);
      const bool missing = given.undefined() && parameters[i].second;
      inner.set(parameters[i].first, missing ? parameters[i].second(inner) : std::move(given));
    }
    std::string out;
    run(body, inner, out);
    ++home.budget().depth;
    return Value::of(std::move(out));
  }
};

class TemplateParser {
 public:
  explicit TemplateParser(std::vector<Stretch> stretches) : stretches_(std::move(stretches)) {}

  Block run() {
    const Block body = block({});
    if (next_ < stretches_.size()) refuse_statement();
    return body;
  }

 private:
  static constexpr int kDeepest = 100;

  const std::vector<Token>& tokens() const { return stretches_[next_].tokens; }
  std::string name_of(const Stretch& stretch) const {
    return stretch.kind == Stretch::Kind::statement && !stretch.tokens.empty()
               ? stretch.tokens[0].text
               : "";
  }
  bool at_statement(std::string_view name) const {
    return next_ < stretches_.size() && name_of(stretches_[next_]) == name;
  }

  [[noreturn]] void refuse_statement() const {
    fail(fmt::format("line {}: the statement \"{}\" is not supported here", stretches_[next_].line,
                     name_of(stretches_[next_])));
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
                     next_ < stretches_.size() ? "\"" + name_of(stretches_[next_]) + "\""
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

  Expression whole_expression(std::size_t from) {
    std::size_t at = from;
    Expression expression = parse_expression(tokens(), at);
    if (at < tokens().size()) {
      fail(fmt::format("expected the end of the tag, found \"{}\"", tokens()[at].text));
    }
    return expression;
  }

  Statement printing() {
    return [expression = whole_expression(0)](Scope& scope, std::string& out) {
      print(scope, expression(scope).shown(), out);
      return Flow::next;
    };
  }

  Statement discarded() {
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

  std::vector<std::string> targets(std::size_t& at) const {
    std::vector<std::string> names;
    const bool bracketed = at < tokens().size() && tokens()[at].text == "(";
    if (bracketed) ++at;
    while (at < tokens().size() && tokens()[at].kind == Token::Kind::name) {
      names.push_back(tokens()[at].text);
      ++at;
      if (at >= tokens().size() || tokens()[at].text != ",") break;
      ++at;
    }
    if (bracketed) ++at;
    if (names.empty()) fail("expected a name, found none");
    return names;
  }

  void expect(std::size_t& at, std::string_view text) const {
    if (at >= tokens().size() || tokens()[at].text != text) {
      fail(fmt::format(
          "expected \"{}\", found {}", text,
          at < tokens().size() ? "\"" + tokens()[at].text + "\"" : "the end of the tag"));
    }
    ++at;
  }

  Statement loop() {
    Loop result;
    std::size_t at = 1;
    result.names = targets(at);
    expect(at, "in");
    result.elements = parse_plain_expression(tokens(), at);
    if (at < tokens().size() && tokens()[at].text == "if") {
      result.condition = parse_expression(tokens(), ++at);
    }
    if (at < tokens().size()) {
      fail(fmt::format("expected the end of the loop's head, found \"{}\"", tokens()[at].text));
    }
    ++next_;
    result.body = block({"else", "endfor"});
    if (at_statement("else")) {
      ++next_;
      result.otherwise = block({"endfor"});
    }
    expect_end("endfor");
    return result;
  }

  Statement assignment() {
    std::size_t at = 1;
    const std::vector<std::string> names = targets(at);
    if (at == tokens().size()) return block_assignment(names[0]);
    if (tokens()[at].text == ".") return namespace_assignment(names[0], at + 1);
    expect(at, "=");
    const Expression value = assigned_value(at);
    return [names, value](Scope& scope, std::string&) {
      assign(scope, names, value(scope));
      return Flow::next;
    };
  }

  // "a, b" without brackets is a list.
  Expression assigned_value(std::size_t at) {
    std::vector<Expression> parts{parse_expression(tokens(), at)};
    while (at < tokens().size() && tokens()[at].text == ",") {
      parts.push_back(parse_expression(tokens(), ++at));
    }
    if (at < tokens().size()) {
      fail(fmt::format("expected the end of the tag, found \"{}\"", tokens()[at].text));
    }
    if (parts.size() == 1) return parts[0];
    return [parts](const Scope& scope) {
      List list;
      for (const Expression& part : parts) list.push_back(part(scope));
      return Value::of(std::move(list));
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

  Statement namespace_assignment(const std::string& name, std::size_t at) {
    const std::string key = targets(at).at(0);
    expect(at, "=");
    const Expression value = assigned_value(at);
    return [name, key, value](Scope& scope, std::string&) {
      const Value held = scope.get(name);
      Dict* dict = held.mutable_dict();
      if (dict == nullptr || !dict->is_namespace)
        fail("cannot assign attribute on non-namespace object");
      dict->set(key, value(scope));
      return Flow::next;
    };
  }

  Statement macro() {
    auto result = std::make_shared<Macro>();
    std::size_t at = 1;
    const std::string name = targets(at).at(0);
    expect(at, "(");
    while (at < tokens().size() && tokens()[at].text != ")") {
      std::string parameter = tokens()[at++].text;
      Expression otherwise;
      if (at < tokens().size() && tokens()[at].text == "=")
        otherwise = parse_expression(tokens(), ++at);
      result->parameters.emplace_back(std::move(parameter), std::move(otherwise));
      if (at < tokens().size() && tokens()[at].text == ",") ++at;
    }
    expect(at, ")");
    ++next_;
    result->body = block({"endmacro"});
    expect_end("endmacro");
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
};

}  // namespace

Value Scope::get(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
    if (const Value* value = scope->names_.find(name)) return *value;
  }
  return {};
}

void Scope::step() const {
  if (--budget_.steps < 0) fail("expected a template that ends, found one that goes on and on");
}

void print(const Scope& scope, std::string_view text, std::string& out) {
  if (text.size() > scope.budget().output) fail("expected a short text, found a very long one");
  scope.budget().output -= text.size();
  out += text;
}

Template::Template(std::string_view source) {
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
