#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

/// What a SentencePiece `tokenizer.model` says (its ModelProto message), as far as encoding needs
/// it.
struct SentencePieceFile {
  enum class PieceType : std::uint8_t { normal = 1, unknown, control, user_defined, unused, byte };
  enum class ModelType : std::uint8_t { unigram = 1, bpe, word, character };

  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::normal;
  };

  std::vector<Piece> pieces;  ///< By id.
  ModelType model_type = ModelType::unigram;
  bool byte_fallback = false;
  bool whitespace_as_suffix = false;
  std::string charsmap;  ///< Empty: characters stay as they are.
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

/// Reads the bytes of a ModelProto strictly: sizes, wire types, UTF-8, finite scores. Throws
/// `TokenizerError` with `origin`, the field and where it is.
SentencePieceFile parse_sentencepiece(std::string_view bytes, const std::string& origin);

}  // namespace kedit::tokenizer
