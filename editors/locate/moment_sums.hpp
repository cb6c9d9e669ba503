#pragma once

#include "json/json.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

namespace kedit::locate {

/// Running sums S = sum k k^T of some layers, in float64 and as far as the upper triangle.
class MomentSums {
 public:
  MomentSums(const std::vector<std::int64_t>& layers, std::int64_t width);

  /// keys: [batch, seq, m] on any device; only the first lengths[row] positions of a row are text.
  void add(std::int64_t layer, const at::Tensor& keys, const std::vector<std::int64_t>& lengths);

  /// [m, m] float64, in the order of `layers`; of use once the triangles are mirrored.
  std::vector<at::Tensor> tensors() const;
  /// S / count as [m, m] of `type` on the CPU.
  at::Tensor moment(std::int64_t layer, std::int64_t count, at::ScalarType type) const;

  double seconds() const { return seconds_; }  ///< Spent in `add`.

 private:
  friend class UnfinishedSums;

  std::map<std::int64_t, at::Tensor> sums_;
  double seconds_ = 0.0;
};

/// The file in which an interrupted collection leaves its sums: whoever begins the same one again
/// (`identity`: model, layers, corpus, choice of texts, share) goes on from there, with the same
/// sums to the bit as if nothing had happened. Written beside and renamed.
class UnfinishedSums {
 public:
  /// In `folder`; nothing is ever kept where that is empty.
  UnfinishedSums(const std::filesystem::path& folder, Json identity);

  /// How many batches the file's sums hold, which `sums` are set to; 0 without a (usable) file.
  std::int64_t restore(MomentSums* sums) const;
  /// Throws `FileWriteError`, or what the file system throws.
  void save(const MomentSums& sums, std::int64_t batches) const;
  void remove() const;

 private:
  std::filesystem::path file_;
  Json identity_;
};

}  // namespace kedit::locate
