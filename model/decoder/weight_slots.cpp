#include "model/decoder/weight_slots.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::decoder {
namespace {

std::string stem_name(const std::string& name_template, std::int64_t layer, const char* suffix) {
  std::string name = name_template;
  const auto place = name.find("{}");
  if (place != std::string::npos) name.replace(place, 2, std::to_string(layer));
  return name + suffix;
}

// Collects slots; knows the layer that templates are filled with.
class Collector {
 public:
  explicit Collector(const Architecture& architecture) : architecture_(architecture) {}

  void table(const std::string& stem, std::int64_t rows, std::int64_t width, at::Tensor& tensor) {
    slots_.push_back({stem + ".weight", {rows, width}, &tensor});
  }

  // Nothing where the family has no such norm.
  void norm(const std::string& stem, Norm& norm, std::int64_t layer = 0) {
    this->norm(stem, norm, layer, architecture_.hidden);
  }

  void norm(const std::string& stem, Norm& norm, std::int64_t layer, std::int64_t width) {
    if (stem.empty()) return;
    slots_.push_back({stem_name(stem, layer, ".weight"), {width}, &norm.weight});
    if (architecture_.norm == NormKind::layer_norm) {
      slots_.push_back({stem_name(stem, layer, ".bias"), {width}, &norm.bias});
    }
  }

  void head(DecoderWeights& weights) {
    const auto& a = architecture_;
    if (!a.tied_head) table(a.names.head, a.vocab, a.token_width(), weights.head);
    if (a.head_bias) slots_.push_back({a.names.head + ".bias", {a.vocab}, &weights.head_bias});
  }

  void linear(const std::string& stem, std::int64_t in, std::int64_t out, bool bias, Linear& linear,
              std::int64_t layer) {
    std::vector<std::int64_t> shape{out, in};
    if (architecture_.orientation == Orientation::in_out) std::swap(shape[0], shape[1]);
    slots_.push_back({stem_name(stem, layer, ".weight"), std::move(shape), &linear.weight});
    if (bias) slots_.push_back({stem_name(stem, layer, ".bias"), {out}, &linear.bias});
  }

  void attention(LayerWeights& weights, std::int64_t layer) {
    const auto& a = architecture_;
    const std::int64_t query_width = a.heads * a.head_dim;
    const std::int64_t key_width = a.kv_heads * a.head_dim;
    if (a.fused_qkv) {
      linear(a.names.qkv, a.hidden, query_width + 2 * key_width, a.attention_bias, weights.qkv,
             layer);
    } else {
      linear(a.names.query, a.hidden, query_width, a.attention_bias, weights.query, layer);
      linear(a.names.key, a.hidden, key_width, a.attention_bias, weights.key, layer);
      linear(a.names.value, a.hidden, key_width, a.attention_bias, weights.value, layer);
    }
    if (a.query_key_norm != QueryKeyNorm::none) {
      const bool whole = a.query_key_norm == QueryKeyNorm::whole;
      norm(a.names.query_norm, weights.query_norm, layer, whole ? query_width : a.head_dim);
      norm(a.names.key_norm, weights.key_norm, layer, whole ? key_width : a.head_dim);
    }
    linear(a.names.attention_output, query_width, a.hidden, a.attention_output_bias,
           weights.attention_output, layer);
  }

  void mlp(LayerWeights& weights, std::int64_t layer) {
    const auto& a = architecture_;
    if (a.fused_gate_up) {
      linear(a.names.gate_up, a.hidden, 2 * a.intermediate, a.mlp_bias, weights.gate_up, layer);
    } else {
      if (a.gated_mlp) {
        linear(a.names.gate, a.hidden, a.intermediate, a.mlp_bias, weights.gate, layer);
      }
      linear(a.names.up, a.hidden, a.intermediate, a.mlp_bias, weights.up, layer);
    }
    linear(a.names.down, a.intermediate, a.hidden, a.mlp_bias, weights.down, layer);
  }

  void projections(DecoderWeights& weights) {
    const auto& a = architecture_;
    if (a.names.project_in.empty()) return;
    linear(a.names.project_in, a.token_width(), a.hidden, false, weights.project_in, 0);
    linear(a.names.project_out, a.hidden, a.token_width(), false, weights.project_out, 0);
  }

  void encoder_embedding(DecoderWeights& weights) {
    const auto& a = architecture_;
    if (a.token_types > 0) {
      table(a.names.token_type_embedding, a.token_types, a.hidden, weights.token_type_embedding);
    }
    norm(a.names.embedding_norm, weights.embedding_norm);
  }

  std::vector<WeightSlot> take() { return std::move(slots_); }

 private:
  const Architecture& architecture_;
  std::vector<WeightSlot> slots_;
};

void check_shape(const WeightSlot& slot, const at::Tensor& tensor, const std::string& origin) {
  if (!tensor.defined()) {
    throw ModelError(
        fmt::format("loading model {}: tensor {}: expected shape [{}], found no such tensor",
                    origin, slot.name, fmt::join(slot.shape, ", ")));
  }
  if (tensor.sizes() != at::IntArrayRef(slot.shape)) {
    throw ModelError(fmt::format("loading model {}: tensor {}: expected shape [{}], found [{}]",
                                 origin, slot.name, fmt::join(slot.shape, ", "),
                                 fmt::join(tensor.sizes(), ", ")));
  }
}

}  // namespace

std::vector<WeightSlot> weight_slots(const Architecture& architecture, DecoderWeights& weights) {
  const auto& a = architecture;
  weights.layers.resize(static_cast<std::size_t>(a.layers));
  Collector collector(a);
  collector.table(a.names.token_embedding, a.vocab, a.token_width(), weights.token_embedding);
  if (a.positions == PositionKind::learned) {
    collector.table(a.names.position_embedding, a.position_offset + a.max_positions, a.hidden,
                    weights.position_embedding);
  }
  for (std::int64_t layer = 0; layer < a.layers; ++layer) {
    LayerWeights& parts = weights.layers[static_cast<std::size_t>(layer)];
    collector.norm(a.names.attention_norm, parts.attention_norm, layer);
    collector.attention(parts, layer);
    collector.norm(a.names.attention_output_norm, parts.attention_output_norm, layer);
    collector.norm(a.names.mlp_norm, parts.mlp_norm, layer);
    collector.mlp(parts, layer);
    collector.norm(a.names.mlp_output_norm, parts.mlp_output_norm, layer);
  }
  collector.norm(a.names.final_norm, weights.final_norm);
  collector.head(weights);
  collector.projections(weights);
  collector.encoder_embedding(weights);
  return collector.take();
}

}  // namespace kedit::decoder

namespace kedit {

DecoderWeights resolve_weights(const Architecture& architecture, const TensorLookup& lookup,
                               const std::string& origin) {
  DecoderWeights weights;
  for (const auto& slot : decoder::weight_slots(architecture, weights)) {
    const at::Tensor tensor = lookup(slot.name);
    decoder::check_shape(slot, tensor, origin);
    *slot.tensor = tensor;
  }
  if (architecture.tied_head) weights.head = weights.token_embedding;
  return weights;
}

std::vector<std::pair<std::string, at::Tensor>> named_tensors(const Architecture& architecture,
                                                              const DecoderWeights& weights) {
  DecoderWeights handles = weights;
  std::vector<std::pair<std::string, at::Tensor>> named;
  for (const auto& slot : decoder::weight_slots(architecture, handles)) {
    named.emplace_back(slot.name, *slot.tensor);
  }
  return named;
}

}  // namespace kedit
