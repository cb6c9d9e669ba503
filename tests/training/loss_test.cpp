#include "training/loss.hpp"

#include "tests/support/catch.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

TEST_CASE("weighted_cross_entropy: loss and gradient agree with autograd", "[loss]") {
  at::Generator generator = at::detail::createCPUGenerator(3);
  at::Tensor logits = at::empty({7, 11}, at::kFloat).normal_(0.0, 3.0, generator);
  logits.requires_grad_(true);
  const at::Tensor targets = at::tensor({0, 10, 3, 3, 5, 1, 9}, at::kLong);
  const at::Tensor weights = at::tensor({1.0, 0.1, 0.0, 0.6, 0.3, 1.0, 0.02}, at::kFloat);

  const at::Tensor each = at::cross_entropy_loss(logits, targets, {}, at::Reduction::None);
  const at::Tensor mean = (each * weights).sum() / weights.sum();
  mean.backward();
  const kedit::WeightedLoss loss = kedit::weighted_cross_entropy(logits, targets, weights);
  CHECK(loss.value == Approx(mean.item<double>()).epsilon(1e-6));
  CHECK(at::allclose(loss.gradient, logits.grad(), 1e-5, 1e-7));
  CHECK_FALSE(loss.gradient.requires_grad());
}

TEST_CASE("weighted_cross_entropy: targets of weight zero have no gradient", "[loss]") {
  const at::Tensor logits = at::zeros({2, 4}, at::kFloat);
  const at::Tensor targets = at::tensor({1, 2}, at::kLong);
  const auto loss = kedit::weighted_cross_entropy(logits, targets, at::tensor({1.0F, 0.0F}));
  CHECK(loss.value == Approx(std::log(4.0)));
  CHECK(loss.gradient[1].abs().max().item<float>() == 0.0F);
  CHECK(loss.gradient[0][1].item<float>() == Approx(-0.75F));
}
