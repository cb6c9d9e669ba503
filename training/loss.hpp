#pragma once

#include <ATen/core/Tensor.h>

namespace kedit {

/// Weighted mean of the cross entropy, and its gradient with respect to the logits.
struct WeightedLoss {
  double value = 0.0;   ///< sum_i w_i * -log p_i(target_i) / sum_i w_i, natural logarithm
  at::Tensor gradient;  ///< [n, vocab] float32
};

/// logits: [n, vocab] float32; targets: [n] int64; weights: [n] float32, not negative, sum > 0.
/// Computed directly rather than by autograd: one pass over the logits less in memory.
WeightedLoss weighted_cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                                    const at::Tensor& weights);

}  // namespace kedit
