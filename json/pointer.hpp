#pragma once

#include <string>
#include <string_view>

namespace kedit {

/// "/key" as a step of a JSON pointer, with "~" and "/" of the key escaped (RFC 6901).
/// For messages: of a long key the beginning.
std::string pointer_step(std::string_view key);

}  // namespace kedit
