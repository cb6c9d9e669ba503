#pragma once

#include "edits/delta.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <map>
#include <string>
#include <vector>

namespace kedit {

/// Makes the weights that edits touch: round(base + sum of their terms in float32, in order,
/// rounded once), where the base lies. On the CPU with kedit's kernel; on a GPU with
/// libkedit_cuda.so, to the same bits, or, where that is missing, with LibTorch's operations there
/// (one product at a time, so that the bits do not depend on how edits were mounted). Keeps what it
/// has uploaded to a GPU for as long as the terms before it stay the same.
class WeightBuilder {
 public:
  using Updates = std::vector<const WeightUpdate*>;

  /// `base` [rows, cols], or [cols] as one row. Throws `ModelError` for a type that no edit fits,
  /// `std::runtime_error` when the GPU fails.
  at::Tensor build(const std::string& name, const at::Tensor& base, const Updates& updates);
  /// The same with LibTorch's operations, wherever the base lies.
  at::Tensor build_with_engine(const std::string& name, const at::Tensor& base,
                               const Updates& updates);
  /// Lets go of what was uploaded for a weight, or for all.
  void forget(const std::string& name) { uploaded_.erase(name); }
  void forget_all() { uploaded_.clear(); }

 private:
  // Terms side by side on a GPU: a dense change, or the factors of neighbours as one product.
  struct Segment {
    std::vector<at::Tensor> from;  // the terms' own tensors: what tells that they are the same
    at::Tensor left, right, dense;
  };
  using Segments = std::vector<Segment>;

  const Segments& upload(const std::string& name, const Updates& updates, c10::Device device);
  static std::size_t kept(const Segments& segments, const Updates& updates, std::size_t* taken);
  static at::Tensor build_with_kernels(const at::Tensor& base, const Segments& segments, int type);

  std::map<std::string, Segments> uploaded_;
};

/// Why weights on this device are built with LibTorch's operations and not with kedit's own
/// kernels, as a clause; empty where they are.
std::string missing_kernels(c10::Device device);

}  // namespace kedit
