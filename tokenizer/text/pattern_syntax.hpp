#pragma once

#include <string>
#include <string_view>

namespace kedit {

/// Rewrites an Oniguruma pattern so that PCRE2 (UTF, UCP, MULTILINE) matches the same texts: `\s`
/// is Unicode's White_Space, `\w` is that of UTS 18, `\uHHHH` is a character. Throws
/// `TokenizerError` starting with `where` for syntax that PCRE2 reads otherwise (class
/// intersection, `\h`, `(?m`).
std::string oniguruma_to_pcre(std::string_view pattern, const std::string& where);

/// The pattern that matches `text` and nothing else.
std::string quote_pattern(std::string_view text);

}  // namespace kedit
