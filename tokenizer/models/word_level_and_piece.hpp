#pragma once

#include "tokenizer/models/token_model.hpp"

#include <memory>
#include <optional>
#include <string>

namespace kedit::tokenizer {

/// Whole pieces are tokens. Without `unk_id` an unknown piece is an error.
TokenModelPtr word_level_model(VocabularyPtr vocabulary, std::optional<std::int64_t> unk_id);

struct WordPieceOptions {
  std::int64_t unk_id = 0;
  std::string subword_prefix = "##";
  std::int64_t max_characters = 100;  ///< Longer pieces are unknown.
};

/// A piece is taken apart from the left, the longest known part first (Wu et al. 2016). A piece
/// with an unknown part is unknown as a whole.
TokenModelPtr word_piece_model(VocabularyPtr vocabulary, WordPieceOptions options);

/// `inner` sees pieces in GPT-2's alphabet for bytes.
TokenModelPtr byte_symbol_model(TokenModelPtr inner);

}  // namespace kedit::tokenizer
