#pragma once

#include "tokenizer/tokenizer.hpp"
#include "training/trainer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace kedit {

/// Input of one training step.
struct TrainBatch {
  at::Tensor ids;      ///< [rows, row_tokens] int64
  at::Tensor targets;  ///< [rows * row_tokens] int64: the token after each id
  at::Tensor weights;  ///< [rows * row_tokens] float32: loss weight of each target
};

/// The stream of tokens that was drawn from the documents but not yet trained on.
struct PackerState {
  std::vector<std::int64_t> ids;
  std::vector<float> weights;  ///< parallel to ids
  std::string documents;       ///< of the document source
};

/// Packs documents, each behind an end-of-text marker, back to back into rows cut anywhere, with no
/// attention mask between documents: earlier ones act as random prefixes. Every token is a target
/// once.
class DocumentPacker {
 public:
  /// Throws `TrainError` when the tokenizer has no "<|endoftext|>". `tokenizer` must outlive it.
  DocumentPacker(const Tokenizer& tokenizer, DocumentSource documents, std::int64_t rows,
                 std::int64_t row_tokens);

  /// The next step's rows, with new documents drawn at `progress` in [0, 1].
  TrainBatch next(double progress);

  PackerState state() const;
  void restore(const PackerState& state);

 private:
  void append_document(const Document& document);
  const std::vector<std::int64_t>& encode_piece(const std::string& text);

  const Tokenizer& tokenizer_;
  DocumentSource documents_;
  std::int64_t rows_, row_tokens_;
  std::int64_t marker_ = 0;
  std::vector<std::int64_t> ids_;
  std::vector<float> weights_;
  std::unordered_map<std::string, std::vector<std::int64_t>> cache_;  // piece -> its tokens
};

}  // namespace kedit
