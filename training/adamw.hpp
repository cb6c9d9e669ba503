#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kedit {

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2) over one flat buffer,
/// in the order of operations of the reference library's optimizer: same bits for the same inputs.
struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

class AdamW {
 public:
  /// values: [n] float32, changed in place by `step`. The first `decayed` of them are decayed.
  AdamW(at::Tensor values, std::int64_t decayed, const AdamWOptions& options);

  /// One update from gradients [n] float32.
  void step(const at::Tensor& gradients, double learning_rate);

  std::int64_t steps() const { return steps_; }
  const at::Tensor& first_moment() const { return first_moment_; }    ///< [n] float32
  const at::Tensor& second_moment() const { return second_moment_; }  ///< [n] float32
  /// Puts back what an earlier optimizer of the same size had. Shapes must agree.
  void restore(std::int64_t steps, const at::Tensor& first, const at::Tensor& second);

 private:
  at::Tensor values_, first_moment_, second_moment_, denominator_;  // all [n]
  std::int64_t decayed_ = 0;
  std::int64_t steps_ = 0;
  AdamWOptions options_;
};

/// Scales `gradients` in place so that their norm is at most `max_norm`; returns the norm before.
double clip_gradient_norm(const at::Tensor& gradients, double max_norm);

}  // namespace kedit
