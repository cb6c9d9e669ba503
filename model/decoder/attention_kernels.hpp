#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace kedit::decoder {

/// What a query may look at: [batch, kv_heads, columns, head_dim] each, and which of the columns.
struct Columns {
  at::Tensor keys, values;
  at::Tensor mask;  ///< [1 or batch, 1, seq, columns] bool, true = may look; undefined: `causal`
  bool causal = false;  ///< seq == columns, each sees itself and what is before it
};

/// softmax(query keys^T scale) values, [batch, heads, seq, head_dim]. With fewer key heads than
/// query heads each serves a group of them, without copies of it. `scale`: default head_dim^-0.5.
at::Tensor dot_product_attention(const at::Tensor& query, const Columns& columns,
                                 std::optional<double> scale = std::nullopt);

/// softmax(cap tanh(query keys^T scale / cap)) values (Gemma 2): the cap stands before the softmax,
/// so that no fused kernel fits.
at::Tensor capped_attention(const at::Tensor& query, const Columns& columns, double scale,
                            double cap);

/// `dot_product_attention` over the columns `shared_keys`, `shared_values` [1, kv_heads, shared,
/// head_dim], which every row sees whole, and then its own. The shared ones are read once for the
/// batch, not once a row. For the CPU, without gradients.
at::Tensor attention_after_shared_prefix(const at::Tensor& query, const at::Tensor& shared_keys,
                                         const at::Tensor& shared_values, const Columns& own,
                                         std::optional<double> scale = std::nullopt);

}  // namespace kedit::decoder
