#pragma once

#include <string>
#include <string_view>

namespace kedit {

/// Full Unicode upper-case mapping, context-free part (simple mappings and SpecialCasing: sharp s
/// becomes SS, ligatures their letters). Bytes that are not UTF-8 are kept as they are.
std::string upper_case(std::string_view text);

/// Full Unicode lower-case mapping, context-free part (a final sigma becomes the ordinary one).
/// Bytes that are not UTF-8 are kept as they are.
std::string lower_case(std::string_view text);

/// Normalisation form C. Text that is not UTF-8 is returned unchanged.
std::string to_nfc(std::string_view text);

/// Without ASCII white space at both ends.
std::string_view trim_ascii(std::string_view text);

}  // namespace kedit
