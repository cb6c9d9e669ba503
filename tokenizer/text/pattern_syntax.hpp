#pragma once

#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// Rewrites an Oniguruma pattern (Ruby's syntax) so that PCRE2 (UTF, UCP, MULTILINE) matches the
/// same texts: classes are those of Unicode 16, `\h` is a hexadecimal digit, `(?i)ss` is also a
/// sharp s. Throws `TokenizerError` starting with `where` for syntax that PCRE2 reads otherwise and
/// that is not rewritten (class intersection, `(?m`, letters beyond ASCII without case).
std::string oniguruma_to_pcre(std::string_view pattern, const std::string& where);

/// The pattern that matches `text` and nothing else.
std::string quote_pattern(std::string_view text);

}  // namespace kedit::tokenizer
