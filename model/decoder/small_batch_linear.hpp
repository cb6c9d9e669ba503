#pragma once

#include <ATen/core/Tensor.h>

namespace kedit::decoder {

/// x W^T + b ([out, in] weight) or x W + b ([in, out] weight, `in_out`) for x [..., in] of a few
/// rows in all, as decoding has them: one pass over the weight by `kernels::multiply_rows`, with
/// sums that do not depend on what else is in the batch. Returns an undefined tensor where that
/// kernel does not apply (many rows, gradients, another dtype or device); `bias` may be undefined.
at::Tensor small_batch_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              bool in_out);

}  // namespace kedit::decoder
