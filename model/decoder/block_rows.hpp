#pragma once

#include "model/decoder/rotary.hpp"

#include <ATen/core/Tensor.h>

/// Arithmetic of a block row by row, each in one pass of `kernels/block_rows.hpp` over memory where
/// the engine's own operators make five: on the CPU, in float32, without gradients. Elsewhere each
/// says that it does not apply.
namespace kedit::decoder {

/// RMS norm over the last dimension, times weight or 1 + weight; undefined: does not apply.
at::Tensor rms_norm_rows(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                         bool adds_one);

/// silu(gate) * up; undefined: does not apply.
at::Tensor silu_products(const at::Tensor& gate, const at::Tensor& up);

/// Turns `x` [batch, seq, heads, head_dim], which is the caller's alone, in place; false: does not
/// apply.
bool rotate_rows(const Architecture& architecture, const RotaryTables& tables, const at::Tensor& x);

/// Copies `fresh` [rows, kv_heads, n, head_dim] into the columns of `buffer` from `column` on;
/// false: does not apply.
bool copy_columns(const at::Tensor& buffer, std::int64_t column, const at::Tensor& fresh);

}  // namespace kedit::decoder
