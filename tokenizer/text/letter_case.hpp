#pragma once

#include <string>
#include <string_view>

// Letter case and white space as Python 3.11's `str` has them (Unicode 14), which the programs that
// answers and chat templates were written for use. Bytes that are not UTF-8 are kept as they are.
namespace kedit::tokenizer {

/// Full mapping: sharp s becomes SS, ligatures their letters.
std::string upper_case(std::string_view text);
/// Full mapping; a capital sigma at the end of a word becomes the final one.
std::string lower_case(std::string_view text);
/// `str.title`: the first letter of every run of letters in title case, the others lower.
std::string title_case(std::string_view text);
/// `str.capitalize`: the first character in title case, the others lower.
std::string capitalized(std::string_view text);

/// `str.isspace`: Unicode's White_Space and the separators U+001C to U+001F.
bool is_python_space(char32_t value);

}  // namespace kedit::tokenizer
