#include "model/decoder/attention_kernels.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

namespace kedit::decoder {
namespace {

// Values mixed by the softmax over some columns, and the logarithm of the softmax's denominator.
struct Mixed {
  at::Tensor values;    // [batch, heads, seq, head_dim]
  at::Tensor log_sums;  // [batch, heads, seq] float32
};

std::optional<at::Tensor> optional_mask(const at::Tensor& mask) {
  return mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
}

std::int64_t group_size(const at::Tensor& query, const at::Tensor& keys) {
  return query.size(1) / keys.size(1);
}

// Query heads g, g + group, ...: one for each key head. A view.
at::Tensor members(const at::Tensor& query, std::int64_t group, std::int64_t g) {
  return query.unflatten(1, {query.size(1) / group, group}).select(2, g);
}

Mixed mix_with_sums(const at::Tensor& query, const Columns& columns, std::optional<double> scale) {
  at::Tensor added = columns.mask;  // the function below wants what is added to the scores
  if (added.defined()) {
    added = at::zeros(added.sizes(), query.options()).masked_fill(added.logical_not(), -INFINITY);
  }
  auto [values, log_sums] = at::_scaled_dot_product_flash_attention_for_cpu(
      query, columns.keys, columns.values, 0.0, columns.causal && !added.defined(),
      optional_mask(added), scale);
  return {std::move(values), std::move(log_sums)};
}

Mixed mix_own(const at::Tensor& query, const Columns& own, std::optional<double> scale) {
  const std::int64_t group = group_size(query, own.keys);
  if (group == 1) return mix_with_sums(query, own, scale);
  std::vector<at::Tensor> values, log_sums;
  for (std::int64_t g = 0; g < group; ++g) {
    Mixed mixed = mix_with_sums(members(query, group, g), own, scale);
    values.push_back(std::move(mixed.values));
    log_sums.push_back(std::move(mixed.log_sums));
  }
  return {at::stack(values, 2).flatten(1, 2), at::stack(log_sums, 2).flatten(1, 2)};
}

// All queries of all rows that share a key head become the queries of one row.
Mixed mix_shared(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                 std::optional<double> scale) {
  const std::int64_t batch = query.size(0), seq = query.size(2), width = query.size(3);
  const std::int64_t group = group_size(query, keys);
  const std::int64_t kv_heads = keys.size(1);
  const at::Tensor gathered = query.reshape({batch, kv_heads, group, seq, width})
                                  .permute({1, 2, 0, 3, 4})
                                  .reshape({1, kv_heads, group * batch * seq, width});
  const Mixed mixed = mix_with_sums(gathered, {keys, values, {}, false}, scale);
  return {mixed.values.reshape({kv_heads, group, batch, seq, width})
              .permute({2, 0, 1, 3, 4})
              .reshape({batch, query.size(1), seq, width}),
          mixed.log_sums.reshape({kv_heads, group, batch, seq})
              .permute({2, 0, 1, 3})
              .reshape({batch, query.size(1), seq})};
}

}  // namespace

at::Tensor dot_product_attention(const at::Tensor& query, const Columns& columns,
                                 std::optional<double> scale) {
  const auto attention = [&](const at::Tensor& asking) {
    return at::scaled_dot_product_attention(asking, columns.keys, columns.values,
                                            optional_mask(columns.mask), 0.0,
                                            columns.causal && !columns.mask.defined(), scale);
  };
  const std::int64_t group = group_size(query, columns.keys);
  if (group == 1) return attention(query);
  if (query.size(2) == 1) {  // one position: the heads of a group take the place of positions
    const auto sizes = query.sizes();
    return attention(query.reshape({sizes[0], sizes[1] / group, group, sizes[3]})).reshape(sizes);
  }
  std::vector<at::Tensor> parts;
  for (std::int64_t g = 0; g < group; ++g) parts.push_back(attention(members(query, group, g)));
  return at::stack(parts, 2).flatten(1, 2);
}

at::Tensor capped_attention(const at::Tensor& query, const Columns& columns, double scale,
                            double cap) {
  const std::int64_t kv_heads = columns.keys.size(1);
  const at::Tensor grouped = query.unflatten(1, {kv_heads, query.size(1) / kv_heads});
  at::Tensor scores = at::matmul(grouped, columns.keys.transpose(2, 3).unsqueeze(2)) * scale;
  scores = at::tanh(scores / cap) * cap;
  at::Tensor mask = columns.mask;
  if (!mask.defined() && columns.causal) {
    const auto options = scores.options().dtype(at::kBool);
    mask = at::ones({1, 1, scores.size(3), scores.size(4)}, options).tril();
  }
  if (mask.defined()) scores = scores.masked_fill(mask.unsqueeze(2).logical_not(), -INFINITY);
  const at::Tensor shares = scores.softmax(-1, at::kFloat).to(query.scalar_type());
  return at::matmul(shares, columns.values.unsqueeze(2)).flatten(1, 2);
}

// With w the share of the first part in the joint denominator, the softmax over both parts mixes
// w * first + (1 - w) * second.
at::Tensor attention_after_shared_prefix(const at::Tensor& query, const at::Tensor& shared_keys,
                                         const at::Tensor& shared_values, const Columns& own,
                                         std::optional<double> scale) {
  const Mixed first = mix_shared(query, shared_keys, shared_values, scale);
  const Mixed second = mix_own(query, own, scale);
  const at::Tensor weight =
      (first.log_sums - second.log_sums).sigmoid().unsqueeze(-1).to(query.scalar_type());
  return second.values + (first.values - second.values) * weight;
}

}  // namespace kedit::decoder
