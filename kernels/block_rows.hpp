#pragma once

#include <cstdint>

namespace kedit::kernels {

/// y = x / sqrt(mean(x^2) + epsilon) * (weight + plus) of rows of `width` values.
struct RmsNorm {
  const float* weight = nullptr;
  std::int64_t width = 0;
  float epsilon = 0.0F;
  float plus = 0.0F;  ///< 1 where the stored weight lacks it (Gemma)
};

/// `x` and `y` [rows, width]. A row's result does not depend on the others.
void rms_norm_rows(const RmsNorm& norm, const float* x, std::int64_t rows, float* y);

/// The heads of one position, [heads, head_dim], whose first `rotated` values turn in pairs:
/// (i, i + rotated / 2), or (2i, 2i + 1) when `interleaved`.
struct Rotation {
  std::int64_t heads = 0, head_dim = 0, rotated = 0;
  bool interleaved = false;
};

/// (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin) in place; `cosine` and `sine` [rotated].
void rotate_heads(const Rotation& rotation, const float* cosine, const float* sine, float* x);

/// gate / (1 + exp(-gate)) * up, `count` values. `y` may be `gate` or `up`.
void silu_products(const float* gate, const float* up, std::int64_t count, float* y);

}  // namespace kedit::kernels
