#include "model/decoder/decoder.hpp"

#include "model/decoder/attention.hpp"
#include "model/decoder/layers.hpp"
#include "model/decoder/small_batch_linear.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

struct Extent {
  std::int64_t batch = 0, seq = 0;
};

[[noreturn]] void refuse(const std::string& what) {
  throw ModelError("running the decoder: " + what);
}

void check_range(const at::Tensor& values, std::int64_t limit, const char* what) {
  if (values.numel() == 0) return;
  const auto [least, greatest] = at::aminmax(values);
  const auto low = least.item<std::int64_t>();
  const auto high = greatest.item<std::int64_t>();
  if (low < 0 || high >= limit) {
    refuse(fmt::format("{}: expected 0 to {}, found {}", what, limit - 1, low < 0 ? low : high));
  }
}

Extent check_ids(const Architecture& architecture, const at::Tensor& ids) {
  if (!ids.defined() || ids.dim() != 2 || ids.scalar_type() != at::kLong) {
    refuse("ids: expected [batch, seq] of int64, found something else");
  }
  if (ids.numel() == 0) {
    refuse(fmt::format("ids: expected at least one, found [{}]", fmt::join(ids.sizes(), ", ")));
  }
  check_range(ids, architecture.vocab, "token id");
  return {ids.size(0), ids.size(1)};
}

Extent check_start(const Architecture& architecture, const ForwardInput& input) {
  const auto& hidden = input.start_hidden;
  if (input.start_layer < 0 || input.start_layer > architecture.layers) {
    refuse(fmt::format("start layer: expected 0 to {}, found {}", architecture.layers,
                       input.start_layer));
  }
  if (!hidden.defined()) {
    if (input.start_layer != 0) refuse("start layer above 0: expected start_hidden, found none");
    return check_ids(architecture, input.ids);
  }
  const bool fits = hidden.dim() == 3 && hidden.size(2) == architecture.hidden &&
                    (!input.ids.defined() || hidden.sizes().slice(0, 2) == input.ids.sizes());
  if (!fits || hidden.numel() == 0) {
    refuse(fmt::format("start_hidden: expected [batch, seq, {}], found [{}]", architecture.hidden,
                       fmt::join(hidden.sizes(), ", ")));
  }
  return {hidden.size(0), hidden.size(1)};
}

// [seq] when the rows agree, else [batch, seq].
at::Tensor positions_of(const Architecture& architecture, const ForwardInput& input, Extent extent,
                        std::int64_t past, const at::Device& device) {
  const auto limit = architecture.position_limit();
  if (!input.positions.defined()) {
    if (limit && past + extent.seq > *limit) {
      refuse(fmt::format("position: expected at most {} positions, found {}", *limit,
                         past + extent.seq));
    }
    return at::arange(past, past + extent.seq, at::TensorOptions().dtype(at::kLong).device(device));
  }
  const auto& given = input.positions;
  if (given.dim() != 2 || given.size(0) != extent.batch || given.size(1) != extent.seq) {
    refuse(fmt::format("positions: expected shape [{}, {}], found [{}]", extent.batch, extent.seq,
                       fmt::join(given.sizes(), ", ")));
  }
  if (limit) check_range(given, *limit, "position");
  return given;
}

at::Tensor embed(const Architecture& architecture, const DecoderWeights& weights,
                 const at::Tensor& ids, const at::Tensor& positions) {
  at::Tensor hidden = at::embedding(weights.token_embedding, ids);
  if (weights.project_in.weight.defined()) {
    hidden = decoder::apply_linear(architecture, weights.project_in, hidden);
  }
  if (architecture.embedding_scale != 1.0) {
    // The factor is rounded to the dtype first, as in training.
    hidden = hidden * at::scalar_tensor(architecture.embedding_scale, hidden.options());
  }
  if (architecture.positions == PositionKind::learned) {
    const std::int64_t offset = architecture.position_offset;
    const at::Tensor rows = offset == 0 ? positions : positions + offset;
    hidden = hidden + at::embedding(weights.position_embedding, rows);
  }
  return hidden;
}

std::int64_t cached_length(const Architecture& architecture, const ForwardInput& input,
                           KvCache* cache) {
  if (cache == nullptr) return 0;
  const auto layers = static_cast<std::size_t>(architecture.layers);
  if (cache->keys.empty() && cache->values.empty()) {
    cache->keys.resize(layers);
    cache->values.resize(layers);
  }
  if (cache->keys.size() != layers || cache->values.size() != layers) {
    refuse(fmt::format("cache: expected {} layers, found {}", layers, cache->keys.size()));
  }
  if (input.start_layer == architecture.layers) return cache->length();
  return cache->length(input.start_layer);
}

// x += attention(norm(x)); x += mlp(norm(x)). In a parallel block both read the same x. Norms that
// the family does not have are the identity.
at::Tensor run_block(const Architecture& architecture, const LayerWeights& weights,
                     const decoder::AttentionContext& context, at::Tensor hidden,
                     std::int64_t layer, KvCache* cache, const Taps& taps) {
  const Architecture& a = architecture;
  hidden = taps.apply(layer, Site::resid_pre, std::move(hidden));
  const at::Tensor normed = decoder::apply_norm(a, weights.attention_norm, hidden);
  const at::Tensor attention = taps.apply(
      layer, Site::attn_out,
      decoder::branch_output(a, weights.attention_output_norm,
                             decoder::attend(a, weights, context, normed, layer, cache)));
  const at::Tensor middle =
      taps.apply(layer, Site::resid_mid,
                 decoder::join_residual(a, weights.attention_output_norm, hidden, attention));

  const bool shares_norm = a.parallel_residual && !weights.mlp_norm.weight.defined();
  const at::Tensor inside = decoder::mlp_inside(
      a, weights,
      shares_norm
          ? normed
          : decoder::apply_norm(a, weights.mlp_norm, a.parallel_residual ? hidden : middle));
  const at::Tensor key = taps.apply(layer, Site::mlp_key, inside);
  const at::Tensor value =
      taps.apply(layer, Site::mlp_value, decoder::apply_linear(a, weights.down, key));
  const at::Tensor mlp =
      taps.apply(layer, Site::mlp_out, decoder::branch_output(a, weights.mlp_output_norm, value));
  return taps.apply(layer, Site::resid_post,
                    decoder::join_residual(a, weights.mlp_output_norm, middle, mlp));
}

at::Tensor head_logits(const Architecture& architecture, const DecoderWeights& weights,
                       const at::Tensor& hidden) {
  at::Tensor normed = decoder::apply_norm(architecture, weights.final_norm, hidden);
  if (weights.project_out.weight.defined()) {
    normed = decoder::apply_linear(architecture, weights.project_out, normed);
  }
  at::Tensor logits =
      decoder::small_batch_linear(normed, weights.head, weights.head_bias, /*in_out=*/false);
  if (!logits.defined()) {
    logits = weights.head_bias.defined() ? at::linear(normed, weights.head, weights.head_bias)
                                         : at::linear(normed, weights.head);
  }
  const double cap = architecture.logit_cap;
  return cap > 0.0 ? at::tanh(logits / cap) * cap : logits;
}

at::Tensor compute_logits(const Architecture& architecture, const DecoderWeights& weights,
                          const ForwardInput& input, const at::Tensor& hidden) {
  if (!input.logit_positions.defined()) return head_logits(architecture, weights, hidden);
  if (input.logit_positions.dim() != 1)
    refuse("logit_positions: expected [n], found another shape");
  check_range(input.logit_positions, hidden.size(0) * hidden.size(1), "logit position");
  return head_logits(architecture, weights,
                     hidden.reshape({-1, hidden.size(2)}).index_select(0, input.logit_positions));
}

}  // namespace

ForwardOutput forward(const Architecture& architecture, const DecoderWeights& weights,
                      const ForwardInput& input, KvCache* cache, const Taps* taps) {
  static const Taps kNoTaps;
  const Taps& active = taps != nullptr ? *taps : kNoTaps;
  const Extent extent = check_start(architecture, input);
  const std::int64_t past = cached_length(architecture, input, cache);
  const at::Tensor positions =
      positions_of(architecture, input, extent, past, weights.token_embedding.device());
  at::Tensor hidden = input.start_hidden.defined()
                          ? input.start_hidden
                          : embed(architecture, weights, input.ids, positions);
  const decoder::AttentionContext context = decoder::attention_context(
      architecture, input, positions, past, extent.batch, extent.seq, hidden);

  const std::int64_t last =
      std::min(active.last_layer().value_or(architecture.layers - 1), architecture.layers - 1);
  for (std::int64_t layer = input.start_layer; layer <= last; ++layer) {
    hidden = run_block(architecture, weights.layers[static_cast<std::size_t>(layer)], context,
                       std::move(hidden), layer, cache, active);
  }
  ForwardOutput output;
  output.hidden = hidden;
  const bool stopped = active.last_layer().has_value();
  if (input.want_logits && !stopped) {
    output.logits = compute_logits(architecture, weights, input, hidden);
  }
  return output;
}

}  // namespace kedit
