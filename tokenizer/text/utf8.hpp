#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// Byte position of the first fault, or nothing when `text` is well-formed UTF-8 (no overlong
/// forms, no surrogates, nothing above U+10FFFF).
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Every maximal ill-formed part becomes one U+FFFD (Unicode 15, section 3.9).
std::string replace_invalid_utf8(std::string_view bytes);

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  ///< 1 to 4
};

/// The character at `position` of well-formed text.
CodePoint code_point_at(std::string_view text, std::size_t position);
/// The character that ends before `position` > 0 of well-formed text.
CodePoint code_point_before(std::string_view text, std::size_t position);

void append_utf8(std::string& text, char32_t value);

inline bool is_utf8_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// End of the user-perceived character (UAX 29) that starts at `position` of well-formed text.
std::size_t grapheme_end(std::string_view text, std::size_t position);

/// Categories Mn, Mc and Me.
bool is_unicode_mark(char32_t value);
/// Unicode's White_Space property.
bool is_unicode_space(char32_t value);

}  // namespace kedit::tokenizer
