#pragma once

#include <optional>
#include <string_view>
#include <utility>

namespace kedit::tokenizer {

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
/// The two characters that a composed one younger than its tables is made of: it neither composes
/// nor takes apart.
std::optional<std::pair<char32_t, char32_t>> young_composition(char32_t value);
/// Combining marks that it leaves where they are, as it does not know their class.
bool is_unordered_mark(char32_t value);
/// The small letter of a capital that is younger than Unicode 14; 0 for other characters.
char32_t later_lowercase(char32_t value);

/// The characters of its Punctuation.
std::string_view punctuation_members();

}  // namespace kedit::tokenizer
