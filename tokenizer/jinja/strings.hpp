#pragma once

#include "tokenizer/jinja/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What methods and filters do with strings, as in Python. Case and white space follow Unicode.
namespace kedit::jinja {

/// Makes `text` longer; throws when it becomes very long.
void append(std::string& text, std::string_view part);
/// Where `part` begins in `text` from `from` on, or npos. Linear in the length of `text`, unlike
/// the standard library's search.
std::size_t find_part(std::string_view text, std::string_view part, std::size_t from = 0);
/// Without the characters of `characters` (a string; white space when undefined or none) at its
/// ends.
std::string stripped(std::string_view text, const Value& characters, bool left = true,
                     bool right = true);
/// The filter `title`: the first character of every word upper, the others lower.
std::string words_titled(std::string_view text);
/// The first `count` occurrences replaced, all when it is negative. Throws when the result becomes
/// very long.
std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t count);
/// `str.splitlines`, at all of Unicode's line ends.
std::vector<std::string_view> lines_of(std::string_view text);
/// A method of a string; undefined when it has none of this name. Throws for one that is not
/// supported.
Value string_method(const Value& string, const std::string& name);

}  // namespace kedit::jinja
