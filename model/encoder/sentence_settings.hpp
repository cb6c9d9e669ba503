#pragma once

#include "model/encoder.hpp"

#include <cstdint>
#include <filesystem>

namespace kedit::encoder {

/// How a directory's texts become vectors, as Sentence Transformers reads it.
struct SentenceSettings {
  Pooling pooling = Pooling::mean;
  bool normalize = true;
  std::int64_t max_tokens = 0;  ///< of a text, special tokens included
};

/// modules.json with the config.json of its pooling; the length from sentence_bert_config.json,
/// else tokenizer_config.json, and never more than the position table holds. Without a file its
/// defaults hold. Throws `ModelError` for a step that is not known.
SentenceSettings read_sentence_settings(const std::filesystem::path& directory,
                                        const Architecture& architecture);

}  // namespace kedit::encoder
