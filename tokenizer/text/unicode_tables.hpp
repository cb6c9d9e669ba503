#pragma once

#include <string_view>

namespace kedit {

// The reference library holds several versions of Unicode: regular expressions know Unicode 16,
// accents and punctuation are those of Unicode 8 and 9. These are its answers, whatever version the
// system's libraries know.

/// Combining marks, as its StripAccents sees them.
bool is_reference_mark(char32_t value);
/// Marks without width, as its BertNormalizer sees them.
bool is_reference_nonspacing_mark(char32_t value);
/// What its BertNormalizer takes for control characters.
bool is_reference_control(char32_t value);
/// `\w` of UTS 18: letters, marks, decimal and letter numbers, connector punctuation, joiners.
bool is_reference_word(char32_t value);
/// Characters with a compatibility decomposition that it does not know.
bool is_without_decomposition(char32_t value);
/// Combining marks that it leaves where they are, as it does not know their class.
bool is_unordered_mark(char32_t value);
/// The small letter of a capital that is younger than Unicode 14; 0 for other characters.
char32_t later_lowercase(char32_t value);

/// Members of a class of a regular expression: what a general category ("L", "Lu", ...) has gained
/// between Unicode 14 and 16. Empty for other names.
std::string_view later_members(std::string_view category);
/// What Oniguruma's `\w` matches beyond letters, marks, decimal and letter numbers and connectors.
std::string_view other_word_members(bool within_class);
/// The characters of its Punctuation.
std::string_view punctuation_members();

}  // namespace kedit
