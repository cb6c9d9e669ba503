#pragma once

#include "model/decoder/architecture.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Rotary positions: pairs of a head's elements are turned by an angle that grows with position.
namespace kedit::decoder {

/// [seq, rotated] or [batch, 1, seq, rotated]; undefined: no rotation.
struct RotaryTables {
  at::Tensor cosine, sine;
};

/// For `positions` [seq] or [batch, seq] of texts of at least `text_length` tokens. `local`: of the
/// layers with a window, which may turn with frequencies of their own.
RotaryTables rotary_tables(const Architecture& architecture, const at::Tensor& positions,
                           std::int64_t text_length, at::ScalarType dtype, bool local);

/// `x` [batch, heads, seq, head_dim] with its first `rotated` elements turned.
at::Tensor rotate(const Architecture& architecture, const RotaryTables& tables,
                  const at::Tensor& x);

}  // namespace kedit::decoder
