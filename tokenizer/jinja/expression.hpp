#pragma once

#include "tokenizer/jinja/scope.hpp"
#include "tokenizer/jinja/token_cursor.hpp"

namespace kedit::jinja {

/// The expression that begins at the cursor, which then stands behind it. Throws `TemplateError`.
Expression parse_expression(TokenCursor& cursor);
/// The same without "a if b else c", as in the head of a loop.
Expression parse_plain_expression(TokenCursor& cursor);

}  // namespace kedit::jinja
