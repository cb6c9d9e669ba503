#pragma once

#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// A PCRE2 pattern that matches, without regard to case, what Oniguruma's `(?i)` lets `letters` (of
/// ASCII) match: also the single characters that stand for several of them, as a sharp s for "ss".
std::string folded_letters(std::string_view letters);

/// Whether a character could stand for letters on both sides of the place between two texts.
bool folds_across(std::string_view before, std::string_view after);

/// Whether neither case nor folding changes the character, so that `(?i)` means nothing to it.
bool is_caseless(char32_t value);

}  // namespace kedit::tokenizer
