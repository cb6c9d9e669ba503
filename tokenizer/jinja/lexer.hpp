#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::jinja {

/// A token within a tag.
struct Token {
  enum class Kind { name, integer, real, string, symbol };
  Kind kind = Kind::symbol;
  std::string text;  ///< Of a string: what it stands for.
};

/// A stretch of a template: text as it is, an expression to print, or a statement.
struct Stretch {
  enum class Kind { text, expression, statement };
  Kind kind = Kind::text;
  std::string text;
  std::vector<Token> tokens;
  std::size_t line = 1;
};

/// Takes a template apart, with the white-space rules of the reference library's chat templates:
/// trim_blocks, lstrip_blocks, "-" and "+" in tags; one newline at the end goes. Throws
/// `TemplateError` with the line.
std::vector<Stretch> take_template_apart(std::string_view source);

}  // namespace kedit::jinja
