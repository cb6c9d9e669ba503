#include "model/attention.hpp"

#include "model/layers.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

namespace kedit {
namespace {

struct Heads {
  at::Tensor query;       // [batch, heads, seq, head_dim]
  at::Tensor key, value;  // [batch, kv_heads, seq, head_dim]
};

// [batch, seq, heads * head_dim] -> [batch, seq, heads, head_dim]
at::Tensor by_head(const at::Tensor& x, std::int64_t heads) {
  return x.unflatten(-1, {heads, x.size(-1) / heads});
}

// Query, key and value as [batch, seq, heads, head_dim]; of a fused matrix they are views.
Heads project(const Architecture& a, const LayerWeights& weights, const at::Tensor& x) {
  if (!a.fused_qkv) {
    return {by_head(apply_linear(a, weights.query, x), a.heads),
            by_head(apply_linear(a, weights.key, x), a.kv_heads),
            by_head(apply_linear(a, weights.value, x), a.kv_heads)};
  }
  const at::Tensor all = apply_linear(a, weights.qkv, x);
  if (a.qkv_by_head) {
    const auto parts = by_head(all, a.heads).chunk(3, -1);
    return {parts[0], parts[1], parts[2]};
  }
  const std::int64_t key_width = a.kv_heads * a.head_dim;
  const auto parts = all.split_with_sizes({a.heads * a.head_dim, key_width, key_width}, -1);
  return {by_head(parts[0], a.heads), by_head(parts[1], a.kv_heads), by_head(parts[2], a.kv_heads)};
}

at::Tensor norm_heads(const Architecture& a, const Norm& norm, const at::Tensor& x) {
  if (a.query_key_norm != QueryKeyNorm::whole) return apply_norm(a, norm, x);
  return apply_norm(a, norm, x.flatten(-2)).view(x.sizes());
}

// Query, key and value of the new positions, normed and rotated.
Heads make_heads(const Architecture& a, const LayerWeights& weights, const AttentionView& view,
                 const at::Tensor& x) {
  Heads heads = project(a, weights, x);
  if (a.query_key_norm != QueryKeyNorm::none) {
    heads.query = norm_heads(a, weights.query_norm, heads.query);
    heads.key = norm_heads(a, weights.key_norm, heads.key);
  }
  for (at::Tensor* part : {&heads.query, &heads.key, &heads.value}) *part = part->transpose(1, 2);
  if (view.rotary.cosine.defined()) {
    heads.query = rotate(a, view.rotary, heads.query);
    heads.key = rotate(a, view.rotary, heads.key);
  }
  return heads;
}

// Grouped queries: each key head serves heads / kv_heads query heads.
at::Tensor repeat_for_queries(const at::Tensor& x, std::int64_t heads) {
  const std::int64_t group = heads / x.size(1);
  if (group == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), group, x.size(2), x.size(3)})
      .reshape({x.size(0), heads, x.size(2), x.size(3)});
}

void append_to(at::Tensor& cached, at::Tensor& fresh) {
  if (cached.defined()) fresh = at::cat({cached, fresh}, 2);
  cached = fresh;
}

void check_key_mask(const at::Tensor& mask, std::int64_t batch, std::int64_t total) {
  if (mask.dim() == 2 && mask.size(0) == batch && mask.size(1) == total &&
      mask.scalar_type() == at::kBool) {
    return;
  }
  throw ModelError(fmt::format(
      "running the decoder: key mask: expected shape [{}, {}] of bool, found [{}] of {}", batch,
      total, fmt::join(mask.sizes(), ", "), at::toString(mask.scalar_type())));
}

// Which columns each new position may look at, by order and padding alone: [1 or batch, 1, seq,
// total].
at::Tensor order_mask(const ForwardInput& input, std::int64_t past, std::int64_t seq,
                      const at::TensorOptions& options) {
  const std::int64_t total = past + seq;
  const at::Tensor before_or_self = at::ones({seq, total}, options).tril(past);
  if (!input.key_mask.defined()) return before_or_self.view({1, 1, seq, total});
  // A padding position would see nothing; it is let to see itself, so that no row is empty (its
  // output is meaningless, but finite). Others are not concerned: they see themselves anyway.
  const at::Tensor self = before_or_self.logical_and(before_or_self.tril(past - 1).logical_not());
  return before_or_self.logical_and(input.key_mask.view({-1, 1, 1, total})).logical_or(self);
}

// Which columns lie in each new position's window: itself and window - 1 tokens before it. Columns
// that hold no token do not count, so a row's padding may lie anywhere.
at::Tensor window_mask(const ForwardInput& input, std::int64_t past, std::int64_t seq,
                       std::int64_t window, const at::TensorOptions& options) {
  const std::int64_t total = past + seq;
  if (!input.key_mask.defined()) {
    return at::ones({seq, total}, options).triu(past - window + 1).view({1, 1, seq, total});
  }
  const at::Tensor rank = input.key_mask.cumsum(1);  // [batch, total]
  const at::Tensor distance = rank.slice(1, past).unsqueeze(2) - rank.unsqueeze(1);
  return (distance < window).unsqueeze(1);
}

// cap * tanh(scores / cap) stands between the scores and the softmax, so no fused kernel fits.
at::Tensor capped_attention(const Heads& heads, const at::Tensor& key, const at::Tensor& value,
                            const AttentionView& view, double scale, double cap) {
  at::Tensor scores = at::matmul(heads.query, key.transpose(2, 3)) * scale;
  scores = at::tanh(scores / cap) * cap;
  at::Tensor mask = view.mask;
  if (view.causal) {
    const auto options = scores.options().dtype(at::kBool);
    mask = at::ones({scores.size(2), scores.size(3)}, options).tril();
  }
  if (mask.defined()) scores = scores.masked_fill(mask.logical_not(), -HUGE_VAL);
  return at::matmul(scores.softmax(-1, at::kFloat).to(value.scalar_type()), value);
}

}  // namespace

AttentionContext attention_context(const Architecture& architecture, const ForwardInput& input,
                                   const at::Tensor& positions, std::int64_t past,
                                   std::int64_t batch, std::int64_t seq, const at::Tensor& like) {
  const Architecture& a = architecture;
  const std::int64_t total = past + seq;
  if (input.key_mask.defined()) check_key_mask(input.key_mask, batch, total);
  AttentionContext context;
  AttentionView& full = context.full;
  if (a.positions == PositionKind::rotary) {
    full.rotary = rotary_tables(a, positions, like.scalar_type(), false);
  }
  const auto options = like.options().dtype(at::kBool);
  full.causal = past == 0 && !input.key_mask.defined();
  const bool sees_all = seq == 1 && !input.key_mask.defined();
  if (!full.causal && !sees_all) full.mask = order_mask(input, past, seq, options);
  if (a.windowed_layers.empty()) return context;

  AttentionView& windowed = context.windowed;
  windowed = full;
  if (a.rope_local_theta > 0.0) {
    windowed.rotary = rotary_tables(a, positions, like.scalar_type(), true);
  }
  if (total <= a.sliding_window) return context;
  windowed.causal = false;
  const at::Tensor order = full.mask.defined() ? full.mask : order_mask(input, past, seq, options);
  windowed.mask = order.logical_and(window_mask(input, past, seq, a.sliding_window, options));
  return context;
}

at::Tensor attend(const Architecture& architecture, const LayerWeights& weights,
                  const AttentionContext& context, const at::Tensor& x, std::int64_t layer,
                  KvCache* cache) {
  const Architecture& a = architecture;
  const AttentionView& view = a.windowed(layer) ? context.windowed : context.full;
  Heads heads = make_heads(a, weights, view, x);
  if (cache != nullptr) {
    append_to(cache->keys[static_cast<std::size_t>(layer)], heads.key);
    append_to(cache->values[static_cast<std::size_t>(layer)], heads.value);
  }
  const at::Tensor key = repeat_for_queries(heads.key, a.heads);
  const at::Tensor value = repeat_for_queries(heads.value, a.heads);
  const double scale =
      1.0 / std::sqrt(a.query_pre_attn_scalar > 0.0 ? a.query_pre_attn_scalar
                                                    : static_cast<double>(a.head_dim));
  at::Tensor mixed;
  if (a.attention_cap > 0.0) {
    mixed = capped_attention(heads, key, value, view, scale, a.attention_cap);
  } else {
    std::optional<at::Tensor> mask;
    if (view.mask.defined()) mask = view.mask;
    mixed = at::scaled_dot_product_attention(heads.query, key, value, mask, 0.0,
                                             view.causal && !mask, scale);
  }
  return apply_linear(a, weights.attention_output,
                      mixed.transpose(1, 2).reshape({x.size(0), x.size(1), -1}));
}

}  // namespace kedit
