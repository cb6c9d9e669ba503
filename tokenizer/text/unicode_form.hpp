#pragma once

#include "tokenizer/text/aligned_text.hpp"

#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// The four normalisation forms of Unicode (UAX 15).
enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

/// Brings `text` into `form`. Characters that are composed, taken apart or reordered together share
/// the range of all of them.
void normalize_unicode(UnicodeForm form, AlignedText& text);

/// NFC of well-formed text.
std::string compose_nfc(std::string_view text);

}  // namespace kedit::tokenizer
