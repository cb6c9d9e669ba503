#pragma once

#include "tokenizer/formats/sentencepiece_file.hpp"
#include "tokenizer/models/token_model.hpp"
#include "tokenizer/text/normalizer.hpp"

#include <optional>

namespace kedit::tokenizer {

/// Where SentencePiece's blank in front of a text goes.
enum class DummyPrefix {
  never,
  every_section,  ///< Also after special tokens: transformers' "legacy" behaviour.
  text_start,     ///< Only where the original text starts.
};

/// SentencePiece's normalizer: the map of characters (longest match first), extra white space,
/// the prefix, blanks as U+2581. User-defined symbols stay as they are.
NormalizerPtr sentencepiece_normalizer(const SentencePieceFile& file, DummyPrefix prefix,
                                       const std::string& where);

/// The file's Unigram or BPE model. In the latter the pair whose join scores best is merged first.
TokenModelPtr sentencepiece_model(const SentencePieceFile& file, const VocabularyPtr& vocabulary,
                                  std::int64_t unk_id);

}  // namespace kedit::tokenizer
