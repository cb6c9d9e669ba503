#pragma once

#include "model/decoder/weight_slots.hpp"
#include "model/generation/generation.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kedit::testing {

inline Architecture tiny_qwen2() {
  Architecture a;
  a.family = "qwen2";
  a.layers = 2;
  a.hidden = 32;
  a.intermediate = 48;
  a.heads = 4;
  a.kv_heads = 2;
  a.head_dim = 8;
  a.vocab = 420;
  a.max_positions = 512;
  a.attention_bias = true;
  a.tied_head = true;
  a.eos_ids = {0};
  a.names.token_embedding = "embed";
  a.names.attention_norm = "{}.input_norm";
  a.names.mlp_norm = "{}.mlp_norm";
  a.names.final_norm = "norm";
  a.names.query = "{}.q";
  a.names.key = "{}.k";
  a.names.value = "{}.v";
  a.names.attention_output = "{}.o";
  a.names.gate = "{}.gate";
  a.names.up = "{}.up";
  a.names.down = "{}.down";
  a.names.head = "head";
  a.names.block = "{}";
  return a;
}

inline Architecture tiny_gpt2() {
  Architecture a = tiny_qwen2();
  a.family = "gpt2";
  a.kv_heads = 4;
  a.max_positions = 40;
  a.norm = NormKind::layer_norm;
  a.positions = PositionKind::learned;
  a.gated_mlp = false;
  a.activation = Activation::gelu_new;
  a.orientation = Orientation::in_out;
  a.fused_qkv = true;
  a.attention_output_bias = true;
  a.mlp_bias = true;
  a.names.position_embedding = "positions";
  a.names.qkv = "{}.qkv";
  return a;
}

/// Values in [-scale, scale) from a linear congruential generator: the same everywhere.
inline at::Tensor noise(const std::vector<std::int64_t>& shape, double scale,
                        std::uint64_t& state) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const double unit = static_cast<double>(state >> 11U) * 0x1.0p-53;
    values[i] = static_cast<float>((2.0 * unit - 1.0) * scale);
  }
  return tensor;
}

/// A random model, lively enough that greedy generation does not repeat one token.
inline EditedModel random_model(const Architecture& architecture, std::uint64_t seed = 1,
                                bool with_tokenizer = true) {
  DecoderWeights weights;
  std::uint64_t state = seed;
  for (decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    const bool vector = slot.shape.size() == 1;
    *slot.tensor = noise(slot.shape, vector ? 0.3 : 0.5, state);
    if (vector && slot.name.find("norm.weight") != std::string::npos) slot.tensor->add_(1.0);
  }
  if (architecture.tied_head) weights.head = weights.token_embedding;
  auto tokenizer = with_tokenizer ? golden_tokenizer("plain_tokenizer.json") : nullptr;
  return EditedModel(Model::from_weights(architecture, std::move(weights), std::move(tokenizer)));
}

inline std::vector<std::int64_t> random_ids(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> ids;
  std::uint64_t state = seed * 77 + 5;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    ids.push_back(static_cast<std::int64_t>(1 + (state >> 33U) % 419));
  }
  return ids;
}

/// Logits after `ids` by one pass without a cache, [vocab] float64.
inline at::Tensor plain_logits(const EditedModel& model, const std::vector<std::int64_t>& ids) {
  const c10::InferenceMode inference;
  ForwardInput input;
  input.ids = at::tensor(ids, at::kLong).unsqueeze(0);
  return model.forward(input).logits[0][-1].to(at::kDouble);
}

/// Greedy tokens by a loop of plain passes.
inline std::vector<std::int64_t> plain_greedy(const EditedModel& model,
                                              std::vector<std::int64_t> ids, std::int64_t count) {
  std::vector<std::int64_t> fresh;
  for (std::int64_t i = 0; i < count; ++i) {
    fresh.push_back(plain_logits(model, ids).argmax().item<std::int64_t>());
    ids.push_back(fresh.back());
  }
  return fresh;
}

}  // namespace kedit::testing
