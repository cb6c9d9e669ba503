#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <utility>

namespace kedit::locate {

/// Adam without weight decay (betas 0.9, 0.999, epsilon 1e-8), as the reference library computes
/// it.
class Adam {
 public:
  explicit Adam(double learning_rate) : learning_rate_(learning_rate) {}
  /// A rate for each row of the parameter: [rows, 1] float32.
  explicit Adam(at::Tensor row_rates) : learning_rate_(1.0), row_rates_(std::move(row_rates)) {}

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
    const at::Tensor direction = row_rates_.defined() ? first_moment_ * row_rates_ : first_moment_;
    parameter.addcdiv_(direction, denominator, -learning_rate_ / correction1);
  }

  /// Goes on with some rows of the parameter only, in the order given: [n] int64.
  void keep_rows(const at::Tensor& rows) {
    for (at::Tensor* tensor : {&first_moment_, &second_moment_, &row_rates_}) {
      if (tensor->defined()) *tensor = tensor->index_select(0, rows);
    }
  }

 private:
  static constexpr double kBeta1 = 0.9;
  static constexpr double kBeta2 = 0.999;
  static constexpr double kEpsilon = 1e-8;

  double learning_rate_;
  at::Tensor row_rates_;
  std::int64_t updates_ = 0;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
};

}  // namespace kedit::locate
