#include "tokenizer/jinja/statements.hpp"

#include "json/short_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace kedit::jinja {
namespace {

constexpr std::size_t kTurnBytes = 4096;  // what a turn of a loop costs beside its body

Value loop_variable(const List& elements, std::size_t i) {
  const auto index = static_cast<std::int64_t>(i);
  const auto length = static_cast<std::int64_t>(elements.size());
  Dict loop;
  loop.is_loop = true;
  loop.set("depth0", Value::of(std::int64_t{0}));  // a loop does not call itself here
  loop.set("depth", Value::of(std::int64_t{1}));
  loop.set("cycle", Value::of(Function([i](const Arguments& arguments) {
             if (arguments.positional.empty() || !arguments.named.empty()) {
               fail("cycle: expected values, found none");
             }
             return arguments.positional[i % arguments.positional.size()];
           })));
  loop.set("changed", Value::of(Function([](const Arguments&) -> Value {
             fail("the method \"changed\" of a loop is not supported");
           })));
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
  check(arguments);
  Scope inner(&home.outermost(), home.budget());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [parameter, otherwise] = parameters[i];
    const bool missing = !arguments.given(i, parameter) && otherwise;
    inner.set(parameter, missing ? otherwise(inner) : arguments.get(i, parameter));
  }
  if (uses_varargs) {
    const auto first = std::min(parameters.size(), arguments.positional.size());
    const auto begin = arguments.positional.begin() + static_cast<std::ptrdiff_t>(first);
    inner.set("varargs", Value::of(List(begin, arguments.positional.end()), Sequence::tuple));
  }
  if (uses_kwargs) {
    Dict others;
    for (const auto& [given, value] : arguments.named) {
      if (!is_parameter(given)) others.set(given, value);
    }
    inner.set("kwargs", Value::of(std::move(others)));
  }
  std::string out;
  run(body, inner, out);
  return Value::of(std::move(out));
}

bool Macro::is_parameter(const std::string& given) const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const auto& parameter) { return parameter.first == given; });
}

// More arguments than parameters are for a body that asks for them.
void Macro::check(const Arguments& arguments) const {
  if (!uses_varargs && arguments.positional.size() > parameters.size()) {
    fail(fmt::format("{}: expected at most {} arguments, found {}", short_name(name),
                     parameters.size(), arguments.positional.size()));
  }
  for (std::size_t i = 0; i < arguments.named.size(); ++i) {
    const std::string& given = arguments.named[i].first;
    const bool known = uses_kwargs || is_parameter(given);
    if (!known)
      fail(fmt::format("{}: expected no argument \"{}\", found one", short_name(name),
                       short_name(given)));
    for (std::size_t k = 0; k < i; ++k) {
      if (arguments.named[k].first != given) continue;
      fail(fmt::format("{}: expected the argument \"{}\" once, found it twice", short_name(name),
                       short_name(given)));
    }
  }
  for (std::size_t k = 0; k < parameters.size() && k < arguments.positional.size(); ++k) {
    for (const auto& item : arguments.named) {
      if (item.first != parameters[k].first) continue;
      fail(fmt::format("{}: expected the argument \"{}\" once, found it twice", short_name(name),
                       short_name(item.first)));
    }
  }
}

}  // namespace kedit::jinja
