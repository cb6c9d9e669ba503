#include "training/batch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

constexpr const char* kMarker = "<|endoftext|>";
constexpr float kMarkerWeight = 0.1F;          // that a text ends can hardly be foreseen
constexpr std::size_t kCachedPieces = 200000;  // bound on memory, not on correctness

}  // namespace

DocumentPacker::DocumentPacker(const Tokenizer& tokenizer, DocumentSource documents,
                               std::int64_t rows, std::int64_t row_tokens)
    : tokenizer_(tokenizer),
      documents_(std::move(documents)),
      rows_(rows),
      row_tokens_(row_tokens) {
  const auto marker = tokenizer.id(kMarker);
  if (!marker) {
    throw TrainError(std::string("packing documents: tokenizer: expected a token \"") + kMarker +
                     "\", found none; train one with train_byte_level_bpe");
  }
  marker_ = *marker;
}

const std::vector<std::int64_t>& DocumentPacker::encode_piece(const std::string& text) {
  const auto found = cache_.find(text);
  if (found != cache_.end()) return found->second;
  if (cache_.size() >= kCachedPieces) cache_.clear();
  EncodeOptions plain;
  plain.add_special_tokens = false;
  plain.split_special_tokens = true;
  return cache_.emplace(text, tokenizer_.encode(text, plain).ids).first->second;
}

void DocumentPacker::append_document(const Document& document) {
  ids_.push_back(marker_);
  weights_.push_back(kMarkerWeight);
  for (const DocumentPiece& piece : document.pieces) {
    const auto& tokens = encode_piece(piece.text);
    ids_.insert(ids_.end(), tokens.begin(), tokens.end());
    weights_.insert(weights_.end(), tokens.size(), piece.weight);
  }
}

TrainBatch DocumentPacker::next(double progress) {
  const std::int64_t count = rows_ * row_tokens_;
  while (static_cast<std::int64_t>(ids_.size()) <= count) {
    append_document(documents_.next(progress));
  }
  const at::Tensor stream = at::from_blob(ids_.data(), {count + 1}, at::kLong);
  const at::Tensor weights = at::from_blob(weights_.data(), {count + 1}, at::kFloat);
  TrainBatch batch;
  batch.ids = stream.narrow(0, 0, count).clone().view({rows_, row_tokens_});
  batch.targets = stream.narrow(0, 1, count).clone();
  batch.weights = weights.narrow(0, 1, count).clone();
  ids_.erase(ids_.begin(), ids_.begin() + count);  // the last target is the next step's first input
  weights_.erase(weights_.begin(), weights_.begin() + count);
  return batch;
}

PackerState DocumentPacker::state() const { return {ids_, weights_, documents_.state()}; }

void DocumentPacker::restore(const PackerState& state) {
  ids_ = state.ids;
  weights_ = state.weights;
  documents_.restore(state.documents);
}

}  // namespace kedit
