#include "tokenizer/jinja/statements.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace kedit::jinja {
namespace {

constexpr std::size_t kTurnBytes = 4096;  // what a turn of a loop costs beside its body

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

}  // namespace

Flow run(const Block& block, Scope& scope, std::string& out) {
  const Scope::Level level(scope);
  for (const Statement& statement : *block) {
    scope.step();
    const Flow flow = statement(scope, out);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

void assign(Scope& scope, const std::vector<std::string>& names, const Value& value) {
  if (names.size() == 1) return scope.set(names[0], value);
  const List parts = value.elements();
  if (parts.size() != names.size()) {
    fail(fmt::format("expected {} values to unpack, found {}", names.size(), parts.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) scope.set(names[i], parts[i]);
}

Flow Loop::operator()(Scope& scope, std::string& out) const {
  List chosen;
  for (Value& element : elements(scope).elements()) {
    scope.step();
    Scope inner(&scope, scope.budget());
    assign(inner, names, element);
    if (!condition || condition(inner).truth()) chosen.push_back(std::move(element));
  }
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    scope.step(kTurnBytes);
    Scope inner(&scope, scope.budget());
    inner.set("loop", loop_variable(chosen, i));
    assign(inner, names, chosen[i]);
    if (run(body, inner, out) == Flow::leave_loop) break;
  }
  return chosen.empty() && otherwise ? run(otherwise, scope, out) : Flow::next;
}

Value Macro::call(const Scope& home, const Arguments& arguments) const {
  Scope inner(&home.outermost(), home.budget());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, otherwise] = parameters[i];
    Value given = arguments.get(i, name);
    const bool missing = given.undefined() && otherwise;
    inner.set(name, missing ? otherwise(inner) : std::move(given));
  }
  std::string out;
  run(body, inner, out);
  return Value::of(std::move(out));
}

}  // namespace kedit::jinja
