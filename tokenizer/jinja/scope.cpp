#include "tokenizer/jinja/scope.hpp"

namespace kedit::jinja {

Scope::Level::Level(const Scope& scope) : budget_(scope.budget()) {
  if (budget_.depth <= 0) fail("expected a shallow template, found one that is nested too deep");
  --budget_.depth;
}

Value Scope::get(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
    if (const Value* value = scope->names_.find(name)) return *value;
  }
  return {};
}

void Scope::step(std::size_t bytes) const {
  constexpr std::size_t kBytesPerStep = 256;
  budget_.steps -= static_cast<std::int64_t>(1 + bytes / kBytesPerStep);
  if (budget_.steps < 0) fail("expected a template that ends, found one that goes on and on");
}

void Scope::account(const Value& value) const {
  if (!value.is_new()) return;
  const std::size_t bytes = value.string() != nullptr ? value.weight() : 64 * value.count();
  if (bytes > budget_.made) fail("expected a template that needs little memory, found another");
  budget_.made -= bytes;
}

Value Expression::operator()(const Scope& scope) const {
  const Scope::Level level(scope);
  scope.step();
  Value value = (*evaluate_)(scope);
  scope.account(value);
  return value;
}

void print(const Scope& scope, std::string_view text, std::string& out) {
  if (text.size() > scope.budget().output) fail("expected a short text, found a very long one");
  scope.budget().output -= text.size();
  out += text;
}

}  // namespace kedit::jinja
