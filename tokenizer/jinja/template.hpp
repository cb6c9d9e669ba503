#pragma once

#include "tokenizer/jinja/scope.hpp"
#include "tokenizer/jinja/value.hpp"

#include <string>
#include <string_view>

namespace kedit::jinja {

/// A template, parsed once. Immutable.
class Template {
 public:
  /// Throws `TemplateError` for damage and for what is not supported, with the line.
  explicit Template(std::string_view source);

  /// Throws `TemplateError` when an expression fails or the template raises an exception.
  std::string render(const Dict& names) const;

 private:
  Statement body_;
};

}  // namespace kedit::jinja
