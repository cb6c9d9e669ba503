#include "model/decoder/attention.hpp"

#include "model/decoder/attention_kernels.hpp"
#include "model/decoder/block_rows.hpp"
#include "model/decoder/layers.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace kedit::decoder {
namespace {

struct Heads {
  at::Tensor query;       // [batch, heads, seq, head_dim]
  at::Tensor key, value;  // [batch, kv_heads, seq, head_dim]
};

// [batch, seq, heads * head_dim] -> [batch, seq, heads, head_dim]
at::Tensor by_head(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(-1) / heads});
}

// Query, key and value as [batch, seq, heads, head_dim]; of a fused matrix they are views.
Heads project(const Architecture& a, const LayerWeights& weights, const at::Tensor& x) {
  if (!a.fused_qkv) {
    const auto parts = apply_linears(a, {&weights.query, &weights.key, &weights.value}, x);
    return {by_head(parts[0], a.heads), by_head(parts[1], a.kv_heads),
            by_head(parts[2], a.kv_heads)};
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

// [batch, seq, heads, head_dim], nobody else's -> [batch, heads, seq, head_dim], rotated.
at::Tensor turned(const Architecture& a, const RotaryTables& tables, const at::Tensor& x) {
  const bool in_place = !tables.cosine.defined() || rotate_rows(a, tables, x);
  return in_place ? x.transpose(1, 2) : rotate(a, tables, x.transpose(1, 2));
}

// Query, key and value of the new positions, normed and rotated.
Heads make_heads(const Architecture& a, const LayerWeights& weights, const AttentionView& view,
                 const at::Tensor& x) {
  Heads heads = project(a, weights, x);
  if (a.query_key_norm != QueryKeyNorm::none) {
    heads.query = norm_heads(a, weights.query_norm, heads.query);
    heads.key = norm_heads(a, weights.key_norm, heads.key);
  }
  heads.query = turned(a, view.rotary, heads.query);
  heads.key = turned(a, view.rotary, heads.key);
  heads.value = heads.value.transpose(1, 2);
  return heads;
}

double score_scale(const Architecture& a, std::int64_t layer) {
  const double width =
      a.query_pre_attn_scalar > 0.0 ? a.query_pre_attn_scalar : static_cast<double>(a.head_dim);
  const double depth = a.scores_by_layer ? static_cast<double>(layer + 1) : 1.0;
  return 1.0 / (std::sqrt(width) * depth);
}

// A window or a cap concerns all columns: caches of such models hold no shared ones (RaggedBatch).
at::Tensor mix(const Architecture& a, const AttentionView& view, const Heads& heads,
               std::int64_t layer, const KvCache* cache) {
  const double scale = score_scale(a, layer);
  const Columns columns{heads.key, heads.value, view.mask, view.causal};
  if (a.attention_cap > 0.0) return capped_attention(heads.query, columns, scale, a.attention_cap);
  const std::int64_t shared = cache == nullptr ? 0 : cache->shared_length();
  if (shared == 0) return dot_product_attention(heads.query, columns, scale);
  const auto number = static_cast<std::size_t>(layer);
  at::Tensor mask = view.mask;  // every row sees all shared columns
  if (mask.defined()) mask = mask.narrow(3, shared, mask.size(3) - shared);
  return attention_after_shared_prefix(heads.query, cache->shared_keys[number],
                                       cache->shared_values[number],
                                       {heads.key, heads.value, mask, false}, scale);
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
  if (seq == 1 && input.key_mask.defined()) {  // nothing is after it, and it sees itself
    at::Tensor seen = input.key_mask.clone();
    seen.select(1, past).fill_(true);
    return seen.view({-1, 1, 1, total});
  }
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
    full.rotary = rotary_tables(a, positions, input.text_length, like.scalar_type(), false);
  }
  const auto options = like.options().dtype(at::kBool);
  full.causal = past == 0 && !input.key_mask.defined();
  const bool sees_all = seq == 1 && !input.key_mask.defined();
  if (!full.causal && !sees_all) full.mask = order_mask(input, past, seq, options);
  if (a.windowed_layers.empty()) return context;

  AttentionView& windowed = context.windowed;
  windowed = full;
  if (a.rope_local_theta > 0.0) {
    windowed.rotary = rotary_tables(a, positions, input.text_length, like.scalar_type(), true);
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
  if (cache != nullptr) cache->append(layer, heads.key, heads.value);
  const at::Tensor mixed = mix(a, view, heads, layer, cache);
  return apply_linear(a, weights.attention_output,
                      mixed.transpose(1, 2).reshape({x.size(0), x.size(1), -1}));
}

}  // namespace kedit::decoder
