#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kedit {

/// Trains a byte-level BPE vocabulary (GPT-2's splitting pattern, 256 byte alphabet, no prefix
/// space) with `vocab_size` entries; "<|endoftext|>" is id 0. Returns the text of a tokenizer.json
/// that puts the end marker before every text (TemplateProcessing) and that the reference library
/// loads. Ties in pair counts go to the lowest pair of ids, as in the reference trainer. Throws
/// `std::invalid_argument` when vocab_size < 257.
std::string train_byte_level_bpe(const std::vector<std::string>& texts, std::int64_t vocab_size);

}  // namespace kedit
