#pragma once

#include <string>
#include <string_view>

namespace kedit {

/// A name out of a file (a key, a tensor, a token) as messages show it: of a long one the first 200
/// characters and "...", so that a hostile file cannot make a message of megabytes.
std::string short_name(std::string_view name);

}  // namespace kedit
