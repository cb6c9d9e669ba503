#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kedit::encoder {

/// Texts of equal length that stand one behind the other.
struct Run {
  std::int64_t texts = 0, length = 0;
  std::int64_t tokens() const { return texts * length; }
};

/// Texts that run through the encoder together, without padding: matrices see one long row of
/// tokens, attention sees each run as a batch. What a text's tokens see is the text.
struct PackedTexts {
  std::vector<std::size_t> order;  ///< numbers of the texts as they stand
  std::vector<Run> runs;           ///< longest first
  std::int64_t tokens = 0;
};

/// Texts (none is empty) in packs of at most `tokens` tokens; a longer text is a pack by itself.
std::vector<PackedTexts> pack_texts(const std::vector<std::vector<std::int64_t>>& texts,
                                    std::int64_t tokens);

}  // namespace kedit::encoder
