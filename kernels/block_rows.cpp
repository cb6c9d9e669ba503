#include "kernels/block_rows.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/lanes.hpp"

#include <cmath>

namespace kedit::kernels {
namespace {

template <int Width>
KEDIT_KERNEL_INLINE float sum_of_squares(const float* x, std::int64_t count) {
  Lanes<Width> sums[1] = {};
  Lanes<Width> lane;
  const std::int64_t whole = count / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    load(x + i, lane);
    add_product(lane, lane, sums[0]);
  }
  if (whole < count) {
    load(x + whole, count - whole, lane);
    add_product(lane, lane, sums[0]);
  }
  float total[1];
  sums_of<Width, 1>(sums, total);
  return total[0];
}

template <int Width>
KEDIT_KERNEL_INLINE void rms_norm(const RmsNorm& norm, const float* x, std::int64_t rows,
                                  float* y) {
  for (std::int64_t r = 0; r < rows; ++r, x += norm.width, y += norm.width) {
    const float mean = sum_of_squares<Width>(x, norm.width) / static_cast<float>(norm.width);
    const float scale = 1.0F / std::sqrt(mean + norm.epsilon);
    for (std::int64_t i = 0; i < norm.width; ++i) {
      y[i] = x[i] * scale * (norm.weight[i] + norm.plus);
    }
  }
}

KEDIT_KERNEL_INLINE void rotate(const Rotation& rotation, const float* cosine, const float* sine,
                                float* x) {
  const std::int64_t half = rotation.rotated / 2;
  for (std::int64_t head = 0; head < rotation.heads; ++head, x += rotation.head_dim) {
    if (rotation.interleaved) {
      for (std::int64_t i = 0; i < rotation.rotated; i += 2) {
        const float first = x[i];
        const float second = x[i + 1];
        x[i] = first * cosine[i] - second * sine[i];
        x[i + 1] = second * cosine[i + 1] + first * sine[i + 1];
      }
      continue;
    }
    for (std::int64_t i = 0; i < half; ++i) {
      const float first = x[i];
      const float second = x[i + half];
      x[i] = first * cosine[i] - second * sine[i];
      x[i + half] = second * cosine[i + half] + first * sine[i + half];
    }
  }
}

// e^x to the last bit or two, without a branch: 2^n times a polynomial (Cephes' expf).
KEDIT_KERNEL_INLINE float exponential(float x) {
  constexpr float kGreatest = 88.0F, kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds
  x = x < -kGreatest ? -kGreatest : x;
  x = x > kGreatest ? kGreatest : x;
  const float shifted = x * 1.44269504088896341F + kRound;
  const float n = shifted - kRound;
  const float r = x - n * 0.693359375F + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto power = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23U;
  return p * bits_float(power);
}

KEDIT_KERNEL_INLINE void silu(const float* gate, const float* up, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) {
    y[i] = gate[i] / (1.0F + exponential(-gate[i])) * up[i];
  }
}

KEDIT_TARGET_AVX512 void rms_norm_avx512(const RmsNorm& norm, const float* x, std::int64_t rows,
                                         float* y) {
  rms_norm<16>(norm, x, rows, y);
}
KEDIT_TARGET_AVX2 void rms_norm_avx2(const RmsNorm& norm, const float* x, std::int64_t rows,
                                     float* y) {
  rms_norm<8>(norm, x, rows, y);
}
KEDIT_TARGET_AVX2 void rotate_avx2(const Rotation& rotation, const float* cosine, const float* sine,
                                   float* x) {
  rotate(rotation, cosine, sine, x);
}
KEDIT_TARGET_AVX512 void silu_avx512(const float* gate, const float* up, std::int64_t count,
                                     float* y) {
  silu(gate, up, count, y);
}
KEDIT_TARGET_AVX2 void silu_avx2(const float* gate, const float* up, std::int64_t count, float* y) {
  silu(gate, up, count, y);
}

}  // namespace

void rms_norm_rows(const RmsNorm& norm, const float* x, std::int64_t rows, float* y) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return rms_norm_avx512(norm, x, rows, y);
    case InstructionSet::avx2:
      return rms_norm_avx2(norm, x, rows, y);
    case InstructionSet::plain:
      return rms_norm<4>(norm, x, rows, y);
  }
}

void rotate_heads(const Rotation& rotation, const float* cosine, const float* sine, float* x) {
  if (instruction_set() == InstructionSet::plain) return rotate(rotation, cosine, sine, x);
  rotate_avx2(rotation, cosine, sine, x);
}

void silu_products(const float* gate, const float* up, std::int64_t count, float* y) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return silu_avx512(gate, up, count, y);
    case InstructionSet::avx2:
      return silu_avx2(gate, up, count, y);
    case InstructionSet::plain:
      return silu(gate, up, count, y);
  }
}

}  // namespace kedit::kernels
