#include "model/attention.hpp"

#include "model/layers.hpp"
#include "model/mix_values.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit {
namespace {

struct Heads {
  at::Tensor query;       // [batch, heads, seq, head_dim]
  at::Tensor key, value;  // [batch, kv_heads, seq, head_dim]
};

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Heads project(const Architecture& a, const LayerWeights& weights, const at::Tensor& x) {
  if (!a.fused_qkv) {
    return {split_heads(apply_linear(a, weights.query, x), a.heads),
            split_heads(apply_linear(a, weights.key, x), a.kv_heads),
            split_heads(apply_linear(a, weights.value, x), a.kv_heads)};
  }
  const std::int64_t key_width = a.kv_heads * a.head_dim;
  const at::Tensor all = apply_linear(a, weights.qkv, x);
  const auto parts = all.split_with_sizes({a.heads * a.head_dim, key_width, key_width}, -1);
  const auto separate = [](const at::Tensor& part, std::int64_t heads) {
    return part.unflatten(-1, {heads, part.size(-1) / heads}).transpose(1, 2);
  };
  return {separate(parts[0], a.heads), separate(parts[1], a.kv_heads),
          separate(parts[2], a.kv_heads)};
}

// Rotary positions in the half-split form: (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin).
at::Tensor rotate(const at::Tensor& x, const AttentionContext& context) {
  const auto halves = x.chunk(2, -1);
  const at::Tensor turned = at::cat({halves[1].neg(), halves[0]}, -1);
  return at::addcmul(x * context.cosine, turned, context.sine);
}

void rotary_tables(const Architecture& a, const at::Tensor& positions, at::ScalarType dtype,
                   AttentionContext& context) {
  const auto float32 = positions.options().dtype(at::kFloat);
  const at::Tensor exponent =
      at::arange(0, a.head_dim, 2, float32) / static_cast<double>(a.head_dim);
  const at::Tensor frequency = at::pow(a.rope_theta, exponent).reciprocal();  // [head_dim / 2]
  const at::Tensor angle = positions.to(at::kFloat).unsqueeze(-1) * frequency;
  at::Tensor both = at::cat({angle, angle}, -1);
  if (both.dim() == 3) both = both.unsqueeze(1);  // over heads
  context.cosine = both.cos().to(dtype);
  context.sine = both.sin().to(dtype);
}

at::Tensor mix(const AttentionContext& context, const Heads& heads, std::int64_t layer,
               const KvCache* cache) {
  const std::int64_t shared = cache == nullptr ? 0 : cache->shared_length();
  if (shared == 0) {
    return mix_values(heads.query, {heads.key, heads.value, context.mask, context.causal});
  }
  const auto number = static_cast<std::size_t>(layer);
  at::Tensor mask = context.mask;  // every row sees all shared columns
  if (mask.defined()) mask = mask.narrow(3, shared, mask.size(3) - shared);
  return mix_values_after_shared(heads.query, cache->shared_keys[number],
                                 cache->shared_values[number],
                                 {heads.key, heads.value, mask, false});
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

}  // namespace

AttentionContext attention_context(const Architecture& architecture, const ForwardInput& input,
                                   const at::Tensor& positions, std::int64_t past,
                                   std::int64_t batch, std::int64_t seq, const at::Tensor& like) {
  AttentionContext context;
  if (architecture.positions == PositionKind::rotary) {
    rotary_tables(architecture, positions, like.scalar_type(), context);
  }
  const std::int64_t total = past + seq;
  if (!input.key_mask.defined()) {
    context.causal = past == 0;
    if (past == 0 || seq == 1) return context;
  } else {
    check_key_mask(input.key_mask, batch, total);
  }
  if (seq == 1) {  // nothing is after it, and it sees itself
    context.mask = input.key_mask.clone();
    context.mask.select(1, total - 1).fill_(true);
    context.mask = context.mask.view({batch, 1, 1, total});
    return context;
  }
  const auto options = like.options().dtype(at::kBool);
  const at::Tensor before_or_self = at::ones({seq, total}, options).tril(past);
  if (!input.key_mask.defined()) {
    context.mask = before_or_self.view({1, 1, seq, total});
    return context;
  }
  // A padding position would see nothing; it is let to see itself, so that no row is empty (its
  // output is meaningless, but finite). Others are not concerned: they see themselves anyway.
  const at::Tensor self = before_or_self.logical_and(before_or_self.tril(past - 1).logical_not());
  context.mask =
      before_or_self.logical_and(input.key_mask.view({batch, 1, 1, total})).logical_or(self);
  return context;
}

at::Tensor attend(const Architecture& architecture, const LayerWeights& weights,
                  const AttentionContext& context, const at::Tensor& x, std::int64_t layer,
                  KvCache* cache) {
  Heads heads = project(architecture, weights, x);
  if (context.cosine.defined()) {
    heads.query = rotate(heads.query, context);
    heads.key = rotate(heads.key, context);
  }
  if (cache != nullptr) cache->append(layer, heads.key, heads.value);
  const at::Tensor mixed = mix(context, heads, layer, cache);
  return apply_linear(architecture, weights.attention_output,
                      mixed.transpose(1, 2).reshape({x.size(0), x.size(1), -1}));
}

}  // namespace kedit
