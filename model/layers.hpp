#pragma once

#include "model/decoder.hpp"

#include <ATen/core/Tensor.h>

/// The arithmetic of one block, part by part. Inputs and outputs [batch, seq, width].
namespace kedit {

at::Tensor apply_linear(const Architecture& architecture, const Linear& linear,
                        const at::Tensor& x);

/// Layer norm (GPT-2), or RMS norm: x / sqrt(mean(x^2) + eps) * weight, the mean in float32.
at::Tensor apply_norm(const Architecture& architecture, const Norm& norm, const at::Tensor& x);

/// The inside of the MLP, what the second matrix reads: act(W_up x), or act(W_gate x) * (W_up x).
/// Returns [batch, seq, m].
at::Tensor mlp_inside(const Architecture& architecture, const LayerWeights& weights,
                      const at::Tensor& x);

}  // namespace kedit
