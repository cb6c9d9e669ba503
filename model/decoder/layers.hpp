#pragma once

#include "model/decoder/decoder.hpp"

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <vector>

/// The arithmetic of one block, part by part. Inputs and outputs [batch, seq, width].
namespace kedit::decoder {

at::Tensor apply_linear(const Architecture& architecture, const Linear& linear,
                        const at::Tensor& x);

/// Several maps of one `x`, in their order.
std::vector<at::Tensor> apply_linears(const Architecture& architecture,
                                      std::initializer_list<const Linear*> linears,
                                      const at::Tensor& x);

/// Layer norm (GPT-2), or RMS norm: x / sqrt(mean(x^2) + eps) * weight, the mean in float32. Over
/// the last dimension; `x` itself where the norm does not exist.
at::Tensor apply_norm(const Architecture& architecture, const Norm& norm, const at::Tensor& x);

/// The inside of the MLP, what the second matrix reads: act(W_up x), or act(W_gate x) * (W_up x).
/// Returns [batch, seq, m].
at::Tensor mlp_inside(const Architecture& architecture, const LayerWeights& weights,
                      const at::Tensor& x);

/// What a branch (attention, MLP) adds to the residual: `value` after the branch's output norm.
at::Tensor branch_output(const Architecture& architecture, const Norm& output_norm,
                         const at::Tensor& value);

/// The residual with a branch's output in it, normed where the family norms the sum.
at::Tensor join_residual(const Architecture& architecture, const Norm& output_norm,
                         const at::Tensor& residual, const at::Tensor& branch);

}  // namespace kedit::decoder
