#include "training/trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <stdexcept>

namespace kedit {
namespace {

constexpr double kEmbeddingScale = 0.1;
constexpr double kCopyScale = 0.3;  // W_o = 0.3 W_v^T
constexpr double kMlpOutputScale = 0.3;
constexpr double kLookBackBias = 2.5;
constexpr double kLookBackScale = 0.3;      // of these heads' q and k matrices
constexpr double kLookBackFrequency = 0.3;  // rotary frequencies above it carry the bias

class Normal {
 public:
  explicit Normal(std::uint64_t seed) : generator_(at::detail::createCPUGenerator(seed)) {}
  at::Tensor operator()(std::int64_t rows, std::int64_t cols, double deviation) {
    return at::empty({rows, cols}, at::kFloat).normal_(0.0, deviation, generator_);
  }

 private:
  at::Generator generator_;
};

Norm unit_norm(std::int64_t width) { return {at::ones({width}, at::kFloat), at::Tensor()}; }

LayerWeights random_layer(const Architecture& a, Normal& normal) {
  const double deviation = 1.0 / std::sqrt(static_cast<double>(a.hidden));
  const auto with_bias = [&] {
    return Linear{normal(a.hidden, a.hidden, deviation), at::zeros({a.hidden}, at::kFloat)};
  };
  LayerWeights layer;
  layer.attention_norm = unit_norm(a.hidden);
  layer.mlp_norm = unit_norm(a.hidden);
  layer.query = with_bias();
  layer.key = with_bias();
  layer.value = with_bias();
  // Copying values: a head that looks at a token raises that token through the tied head.
  layer.attention_output = {(kCopyScale * layer.value.weight.t()).contiguous(), at::Tensor()};
  layer.gate = {normal(a.intermediate, a.hidden, deviation), at::Tensor()};
  layer.up = {normal(a.intermediate, a.hidden, deviation), at::Tensor()};
  const double down = kMlpOutputScale / std::sqrt(static_cast<double>(a.intermediate)) /
                      std::sqrt(2.0 * static_cast<double>(a.layers));
  layer.down = {normal(a.hidden, a.intermediate, down), at::Tensor()};
  return layer;
}

// Half of the heads look one token back: with q bias b (1, 0) and k bias b (cos f, sin f) in each
// fast rotary pair, the score from the biases at distance D is b^2 sum_f cos(f (D - 1)).
void look_one_token_back(const Architecture& a, LayerWeights& layer) {
  const std::int64_t half = a.head_dim / 2;
  const std::int64_t rows = a.heads / 2 * a.head_dim;
  layer.query.weight.narrow(0, 0, rows).mul_(kLookBackScale);
  layer.key.weight.narrow(0, 0, rows).mul_(kLookBackScale);
  for (std::int64_t head = 0; head < a.heads / 2; ++head) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double frequency =
          std::pow(a.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(a.head_dim));
      if (frequency <= kLookBackFrequency) break;
      const std::int64_t first = head * a.head_dim + i;  // the pair is (i, i + half)
      layer.query.bias[first] = kLookBackBias;
      layer.key.bias[first] = kLookBackBias * std::cos(frequency);
      layer.key.bias[first + half] = kLookBackBias * std::sin(frequency);
    }
  }
}

void check_shape(const Architecture& a) {
  if (a.layers < 1 || a.hidden < 1 || a.heads < 1 || a.intermediate < 1 || a.vocab < 1 ||
      a.kv_heads != a.heads || a.heads * a.head_dim != a.hidden || a.head_dim % 2 != 0) {
    throw std::invalid_argument(
        "initial weights: expected positive sizes, as many key heads as heads, and an even head "
        "width that times heads is the hidden width");
  }
}

}  // namespace

Architecture qwen2_architecture(const DecoderShape& shape) {
  const Json config = {{"architectures", {"Qwen2ForCausalLM"}},
                       {"model_type", "qwen2"},
                       {"hidden_size", shape.hidden},
                       {"intermediate_size", shape.intermediate},
                       {"num_hidden_layers", shape.layers},
                       {"num_attention_heads", shape.heads},
                       {"num_key_value_heads", shape.heads},
                       {"vocab_size", shape.vocab},
                       {"max_position_embeddings", shape.max_positions},
                       {"rms_norm_eps", 1e-5},
                       {"rope_theta", shape.rope_theta},
                       {"hidden_act", "silu"},
                       {"tie_word_embeddings", true},
                       {"eos_token_id", 0}};
  return architecture_from_config(config, "decoder shape");
}

DecoderWeights initial_weights(const Architecture& architecture, std::uint64_t seed) {
  check_shape(architecture);
  const c10::NoGradGuard no_grad;
  Normal normal(seed);
  DecoderWeights weights;
  weights.token_embedding = normal(architecture.vocab, architecture.hidden, kEmbeddingScale);
  for (std::int64_t i = 0; i < architecture.layers; ++i) {
    weights.layers.push_back(random_layer(architecture, normal));
  }
  look_one_token_back(architecture, weights.layers.front());
  weights.final_norm = unit_norm(architecture.hidden);
  weights.head = weights.token_embedding;
  return weights;
}

}  // namespace kedit
