#pragma once

#include "model/decoder/decoder.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::generation {

using TokenIds = std::vector<std::int64_t>;

/// Rows of tokens of different lengths that run through the model together, with their keys and
/// values. New tokens are padded on the right: causality hides the padding from the tokens before
/// it, and a mask hides it from those that come later. Call under c10::InferenceMode. The model
/// must outlive it.
class RaggedBatch {
 public:
  explicit RaggedBatch(const EditedModel& model) : model_(&model) {}
  /// `rows` rows that begin with the tokens in `beginning` (one row), which they share: it is read
  /// in place, where the model's attention allows that.
  RaggedBatch(const EditedModel& model, const KvCache& beginning, std::int64_t rows);

  std::int64_t rows() const { return static_cast<std::int64_t>(lengths_.size()); }
  /// Tokens of a row so far, which is the position of the next one.
  std::int64_t length(std::size_t row) const { return lengths_[row]; }

  /// Runs the model on `ids[i]` (not empty) after row i; the first call makes the rows. Returns the
  /// logits at the last `wanted[i]` of them, row after row: [sum of wanted, vocab] float32.
  at::Tensor append(const std::vector<TokenIds>& ids, const std::vector<std::int64_t>& wanted);

  /// The rows with these numbers, in this order; a number may come again.
  RaggedBatch select(const std::vector<std::int64_t>& rows) const;

  /// Keeps some rows, in another order: row `kept[i]` becomes row i. Gives that order: a row that
  /// can stay in its place does, so little is copied. `going` says which rows are kept.
  std::vector<std::int64_t> keep(const std::vector<bool>& going);

  /// Room for `tokens` more in every row, so that appending them copies nothing.
  void reserve(std::int64_t tokens) {
    cache_.reserve(cache_.length() - cache_.shared_length() + tokens);
  }

  /// Rows that all go on from the only row of this batch.
  RaggedBatch fork(std::int64_t rows) const;

  /// All rows of several batches of one model.
  static RaggedBatch join(const std::vector<RaggedBatch>& batches);

 private:
  std::int64_t columns() const { return cache_.length(); }
  at::Tensor positions(const std::vector<TokenIds>& ids, std::int64_t width) const;
  void remember(const std::vector<TokenIds>& ids, std::int64_t width);
  RaggedBatch widened(std::int64_t columns) const;
  void begin_with(const KvCache& beginning, std::int64_t length, std::int64_t rows);

  const EditedModel* model_;
  KvCache cache_;
  std::vector<std::int64_t> lengths_;
  at::Tensor valid_;  // [rows, columns] bool: columns that hold tokens; undefined: all do
};

/// How rows are put into one pass.
struct BatchLimits {
  std::int64_t rows = 64;
  std::int64_t tokens = 8192;                   ///< with padding
  std::int64_t logits = std::int64_t{1} << 26;  ///< values, that is 256 MiB
};

/// Groups of row numbers: similar lengths together (no row shorter than half the longest of its
/// group), within the limits; longest first. `wanted` as for `RaggedBatch::append`.
std::vector<std::vector<std::size_t>> group_by_length(const std::vector<TokenIds>& rows,
                                                      const std::vector<std::int64_t>& wanted,
                                                      std::int64_t vocab,
                                                      const BatchLimits& limits);

}  // namespace kedit::generation
