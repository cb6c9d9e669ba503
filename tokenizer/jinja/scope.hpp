#pragma once

#include "tokenizer/jinja/value.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kedit::jinja {

/// Names and their values while a template renders. Loops and macros have scopes of their own.
class Scope {
 public:
  /// What all scopes of one rendering share, so that a hostile template ends.
  struct Budget {
    std::int64_t steps = 10'000'000;
    std::size_t output = std::size_t{16} << 20U;
    std::size_t made = std::size_t{512} << 20U;  ///< Bytes of all values made.
    int depth = 1500;                            ///< Expressions and statements within each other.
  };

  /// One level of the rendering deeper, as long as it lives.
  class Level {
   public:
    explicit Level(const Scope& scope);
    ~Level() { ++budget_.depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Budget& budget_;
  };

  Scope(const Scope* parent, Budget& budget) : parent_(parent), budget_(budget) {}

  Value get(const std::string& name) const;
  void set(const std::string& name, Value value) { names_.set(name, std::move(value)); }
  const Scope& outermost() const { return parent_ == nullptr ? *this : parent_->outermost(); }
  Budget& budget() const { return budget_; }
  /// One step and what reading `bytes` costs. Throws when the budget is used up.
  void step(std::size_t bytes = 0) const;
  /// Charges for a value made by an expression.
  void account(const Value& value) const;

 private:
  const Scope* parent_;
  Budget& budget_;
  Dict names_;
};

/// An expression of a template, parsed: gives a value in a scope. Copies share it.
class Expression {
 public:
  Expression() = default;
  template <typename Evaluate>
  requires std::is_invocable_r_v<Value, Evaluate, const Scope&> Expression(Evaluate evaluate)
      : evaluate_(std::make_shared<const Function>(std::move(evaluate))) {}

  explicit operator bool() const { return evaluate_ != nullptr; }
  Value operator()(const Scope& scope) const;

 private:
  using Function = std::function<Value(const Scope&)>;
  std::shared_ptr<const Function> evaluate_;
};

/// How the statements after this one go on.
enum class Flow { next, leave_loop, next_turn };
using Statement = std::function<Flow(Scope&, std::string& out)>;

/// Appends to the output within the budget.
void print(const Scope& scope, std::string_view text, std::string& out);

}  // namespace kedit::jinja
