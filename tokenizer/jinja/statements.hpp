#pragma once

#include "tokenizer/jinja/scope.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

// The statements of a template, parsed, as they render.
namespace kedit::jinja {

using Block = std::shared_ptr<const std::vector<Statement>>;

/// Runs the statements in order until one leaves the loop or its turn.
Flow run(const Block& block, Scope& scope, std::string& out);

/// Gives `value` to one name, its elements to several.
void assign(Scope& scope, const std::vector<std::string>& names, const Value& value);

/// {% for names in elements if condition %} body {% else %} otherwise {% endfor %}
struct Loop {
  std::vector<std::string> names;
  Expression elements, condition;  ///< The latter may be empty.
  Block body, otherwise;           ///< The latter may be null.

  Flow operator()(Scope& scope, std::string& out) const;
};

/// {% macro name(parameters) %} body {% endmacro %}
struct Macro {
  std::string name;
  std::vector<std::pair<std::string, Expression>> parameters;  ///< Each with a default or nothing.
  Block body;
  bool uses_varargs = false, uses_kwargs = false;  ///< The body names what else it was given.

  /// The text of the body. `home`: where it was defined.
  Value call(const Scope& home, const Arguments& arguments) const;

 private:
  bool is_parameter(const std::string& given) const;
  void check(const Arguments& arguments) const;
};

}  // namespace kedit::jinja
