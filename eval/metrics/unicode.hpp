#pragma once

#include "tokenizer/text/letter_case.hpp"

#include <string>
#include <string_view>

namespace kedit::metrics {

/// Normalisation form C. Text that is not UTF-8 is returned unchanged.
std::string to_nfc(std::string_view text);
/// Normalisation form KD, likewise.
std::string to_nfkd(std::string_view text);

/// Without ASCII white space at both ends.
std::string_view trim_ascii(std::string_view text);

}  // namespace kedit::metrics
