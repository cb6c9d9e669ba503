#pragma once

#include "tokenizer/jinja/value.hpp"

#include <string>
#include <string_view>

// What methods and filters do with strings, as in Python. Case follows Unicode.
namespace kedit::jinja {

/// Makes `text` longer; throws when it becomes very long.
void append(std::string& text, std::string_view part);
/// Where `part` begins in `text` from `from` on, or npos. Linear in the length of `text`, unlike
/// the standard library's search.
std::size_t find_part(std::string_view text, std::string_view part, std::size_t from = 0);
/// Without the characters of `characters` (a string; white space when undefined) at its ends.
std::string stripped(const std::string& text, const Value& characters, bool left = true,
                     bool right = true);
std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalized(std::string_view text);
std::string titled(std::string_view text);
/// Throws when the result becomes very long.
std::string replaced(const std::string& text, const std::string& from, const std::string& to);
/// The elements of `list` as printed. Throws when the result becomes very long.
std::string join(const Value& list, const std::string& separator);
/// A method of a string; undefined when it has none of this name.
Value string_method(const Value& string, const std::string& name);

}  // namespace kedit::jinja
