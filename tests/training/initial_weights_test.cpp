#include "tests/support/catch.hpp"
#include "training/trainer.hpp"

#include <ATen/ATen.h>

#include <cmath>

using namespace kedit;

namespace {

// Score that the biases of a head give to a key `distance` tokens back (before 1 / sqrt(head_dim)).
double bias_score(const Architecture& a, const LayerWeights& layer, std::int64_t head,
                  std::int64_t distance) {
  double score = 0.0;
  const std::int64_t half = a.head_dim / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const double angle =
        static_cast<double>(distance) *
        std::pow(a.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(a.head_dim));
    const std::int64_t first = head * a.head_dim + i;
    const auto value = [](const at::Tensor& bias, std::int64_t at) {
      return bias[at].item<double>();
    };
    const double q1 = value(layer.query.bias, first), q2 = value(layer.query.bias, first + half);
    const double k1 = value(layer.key.bias, first), k2 = value(layer.key.bias, first + half);
    // Only the difference of positions matters: turn the query by `angle`, leave the key.
    score += (q1 * std::cos(angle) - q2 * std::sin(angle)) * k1;
    score += (q2 * std::cos(angle) + q1 * std::sin(angle)) * k2;
  }
  return score;
}

}  // namespace

TEST_CASE("Initial weights: the lab architecture has 1018496 parameters", "[initial_weights]") {
  const Architecture a = qwen2_architecture({});
  std::int64_t count = 0;
  for (const auto& [name, tensor] : named_tensors(a, initial_weights(a, 1)))
    count += tensor.numel();
  CHECK(count == 1018496);
}

TEST_CASE("Initial weights: a seed gives the same values every time and another seed others",
          "[initial_weights]") {
  const Architecture a = qwen2_architecture({});
  const DecoderWeights one = initial_weights(a, 1), again = initial_weights(a, 1);
  const DecoderWeights other = initial_weights(a, 2);
  CHECK(one.token_embedding.equal(again.token_embedding));
  CHECK(one.layers[3].down.weight.equal(again.layers[3].down.weight));
  CHECK_FALSE(one.token_embedding.equal(other.token_embedding));
  CHECK(one.token_embedding.std().item<double>() == Approx(0.1).epsilon(0.02));
}

TEST_CASE("Initial weights: attention output is the scaled transpose of the value weight",
          "[initial_weights]") {
  const Architecture a = qwen2_architecture({});
  for (const LayerWeights& layer : initial_weights(a, 1).layers) {
    CHECK(at::allclose(layer.attention_output.weight, 0.3 * layer.value.weight.t()));
  }
}

TEST_CASE("Initial weights: half of the first layer's heads attend to the previous token",
          "[initial_weights]") {
  const Architecture a = qwen2_architecture({});
  const DecoderWeights weights = initial_weights(a, 1);
  for (std::int64_t head = 0; head < a.heads; ++head) {
    const double peak = bias_score(a, weights.layers[0], head, 1);
    for (std::int64_t distance = 0; distance < 100; ++distance) {
      const double score = bias_score(a, weights.layers[0], head, distance);
      if (head < a.heads / 2 && distance != 1) CHECK(score < peak);
      if (head >= a.heads / 2) CHECK(score == 0.0);
    }
    if (head < a.heads / 2) CHECK(peak == Approx(3 * 2.5 * 2.5));
    CHECK(bias_score(a, weights.layers[1], head, 1) == 0.0);
  }
}

TEST_CASE("Initial weights: a hidden size that is no multiple of the heads is refused",
          "[initial_weights]") {
  DecoderShape shape;
  shape.heads = 5;
  CHECK_THROWS_AS(initial_weights(qwen2_architecture(shape), 1), std::exception);
}
