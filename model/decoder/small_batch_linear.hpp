#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace kedit::decoder {

/// A linear map as it is stored.
struct SmallBatchMap {
  const at::Tensor& weight;  ///< [out, in], or [in, out] when `in_out`
  const at::Tensor& bias;    ///< [out] or undefined
};

/// x W^T + b ([out, in] weights) or x W + b ([in, out] weights, `in_out`) of several maps for x
/// [..., in] of a few rows in all, as decoding has them: one pass over the weights by
/// `kernels::multiply_rows`, with sums that do not depend on what else is in the batch. Returns
/// nothing where that kernel does not apply (many rows, gradients, another dtype or device).
std::vector<at::Tensor> small_batch_linears(const at::Tensor& x,
                                            const std::vector<SmallBatchMap>& maps, bool in_out);

/// The same of one map; an undefined tensor where the kernel does not apply.
at::Tensor small_batch_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              bool in_out);

}  // namespace kedit::decoder
