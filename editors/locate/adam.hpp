#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

namespace kedit::locate {

/// Adam without weight decay (betas 0.9, 0.999, epsilon 1e-8), as the reference library computes
/// it.
class Adam {
 public:
  explicit Adam(double learning_rate) : learning_rate_(learning_rate) {}

  /// One update of `parameter` in place. The caller holds a `NoGradGuard`.
  void step(at::Tensor& parameter, const at::Tensor& gradient) {
    if (!first_moment_.defined()) {
      first_moment_ = at::zeros_like(gradient);
      second_moment_ = at::zeros_like(gradient);
    }
    ++updates_;
    first_moment_.lerp_(gradient, 1.0 - kBeta1);
    second_moment_.mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2);
    const double correction1 = 1.0 - std::pow(kBeta1, static_cast<double>(updates_));
    const double correction2 = 1.0 - std::pow(kBeta2, static_cast<double>(updates_));
    const at::Tensor denominator = (second_moment_.sqrt() / std::sqrt(correction2)).add_(kEpsilon);
    parameter.addcdiv_(first_moment_, denominator, -learning_rate_ / correction1);
  }

 private:
  static constexpr double kBeta1 = 0.9;
  static constexpr double kBeta2 = 0.999;
  static constexpr double kEpsilon = 1e-8;

  double learning_rate_;
  std::int64_t updates_ = 0;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
};

}  // namespace kedit::locate
