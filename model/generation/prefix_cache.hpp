#pragma once

#include "model/edited_model.hpp"
#include "model/generation/ragged_batch.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace kedit::generation {

/// Keys and values of beginnings of prompts, kept from call to call, the latest ones up to a bound
/// of memory. An entry is found by its token ids and by the very tensors that it was computed with:
/// mounting or unmounting an edit puts others in their place, so keys of other weights are never
/// served, and those of the base are found again when all edits are unmounted. A beginning that is
/// found has the bytes that computing it would give. May be used from several threads.
class PrefixCache {
 public:
  explicit PrefixCache(std::int64_t capacity_bytes);
  ~PrefixCache();

  /// Keys and values of `ids` under the weights that `model` has now: one row, `ids.size()`
  /// columns. Computes what is not here. `text_length`: tokens of the text that begins with `ids`,
  /// on which longrope depends; 0: no more than `ids` has. Call under c10::InferenceMode.
  KvCache of(const EditedModel& model, const TokenIds& ids, std::int64_t text_length = 0);

  std::int64_t bytes() const;            ///< What is kept, at most the capacity.
  std::int64_t tokens_computed() const;  ///< Tokens that were not here, since the beginning.

 private:
  struct Weights;  // whose keys and values: weak references, nothing is kept alive by them
  struct Entry;

  std::shared_ptr<const Weights> current_weights(const EditedModel& model);
  KvCache begin_with(const Entry& wanted, const std::vector<std::int64_t>& passes,
                     std::size_t& done);
  void keep(Entry entry);

  std::int64_t capacity_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the latest last
  std::int64_t tokens_computed_ = 0;
};

}  // namespace kedit::generation
