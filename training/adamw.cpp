#include "training/adamw.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

namespace kedit {

AdamW::AdamW(at::Tensor values, std::int64_t decayed, const AdamWOptions& options)
    : values_(std::move(values)),
      first_moment_(at::zeros_like(values_)),
      second_moment_(at::zeros_like(values_)),
      denominator_(at::empty_like(values_)),
      decayed_(decayed),
      options_(options) {}

void AdamW::step(const at::Tensor& gradients, double learning_rate) {
  const c10::NoGradGuard no_grad;
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const double correction1 = 1.0 - std::pow(options_.beta1, t);
  const double correction2 = 1.0 - std::pow(options_.beta2, t);
  values_.narrow(0, 0, decayed_).mul_(1.0 - learning_rate * options_.weight_decay);
  first_moment_.lerp_(gradients, 1.0 - options_.beta1);
  second_moment_.mul_(options_.beta2).addcmul_(gradients, gradients, 1.0 - options_.beta2);
  at::sqrt_out(denominator_, second_moment_);
  denominator_.div_(std::sqrt(correction2)).add_(options_.epsilon);
  values_.addcdiv_(first_moment_, denominator_, -learning_rate / correction1);
}

void AdamW::restore(std::int64_t steps, const at::Tensor& first, const at::Tensor& second) {
  steps_ = steps;
  first_moment_.copy_(first);
  second_moment_.copy_(second);
}

double clip_gradient_norm(const at::Tensor& gradients, double max_norm) {
  const c10::NoGradGuard no_grad;
  const double norm = gradients.norm().item<double>();
  const double scale = max_norm / (norm + 1e-6);
  if (scale < 1.0) gradients.mul_(scale);
  return norm;
}

}  // namespace kedit
