#pragma once

#include "model/decoder/decoder.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kedit {

/// All trainable values of a decoder in one flat buffer, and their gradients in another: the
/// optimizer and the norm are then a few long vector operations. The decoder sees views of the
/// buffer.
class ParameterBuffer {
 public:
  /// Copies `initial` (float32, CPU).
  ParameterBuffer(const Architecture& architecture, const DecoderWeights& initial);

  /// Leaves for autograd: views of `values`, whose gradients are views of `gradients`.
  const DecoderWeights& weights() const { return weights_; }
  const at::Tensor& values() const { return values_; }        ///< [n] float32, padding included
  const at::Tensor& gradients() const { return gradients_; }  ///< [n] float32
  /// The first `decayed()` values are the layers' matrices; embedding, norms and biases follow.
  std::int64_t decayed() const { return decayed_; }
  /// Tensors of their own with the present values, without gradients.
  DecoderWeights snapshot() const;

 private:
  Architecture architecture_;
  DecoderWeights weights_;
  at::Tensor values_, gradients_;
  std::int64_t decayed_ = 0;
};

}  // namespace kedit
