#pragma once

#include "kernels/cuda/device_code.cuh"

#include <cstdint>

/// One pass over a weight: what stands before the first product and what becomes of the sums.
namespace kedit::kernels::cuda {

/// One column of a left factor with one row of a right one: element (i, j) of their product is
/// left[i * left_stride] * right[j].
struct Strand {
  const float* left;
  std::int64_t left_stride;
  const float* right;
};

/// Sums begin at `sums_in`, or 0; then comes the dense change; then the strands, in order. They end
/// in `sums_out`, or, in the last pass, are added to the base, rounded once and written.
struct Pass {
  std::int64_t rows = 0, cols = 0;          ///< Of the factors, the sums and the dense change.
  const std::int64_t* row_index = nullptr;  ///< [rows]: where they stand in the weight; null: as is
  const float* sums_in = nullptr;           ///< [rows, cols] or null
  const float* dense = nullptr;             ///< [rows, cols] or null
  float* sums_out = nullptr;                ///< [rows, cols]; null in the last pass
  bool aligned = false;  ///< `dense` begins at 16 bytes, and cols is a multiple of 4.

  KEDIT_DEVICE std::int64_t weight_row(std::int64_t row) const {
    return row_index == nullptr ? row : row_index[row];
  }
};

template <int kWidth>
KEDIT_DEVICE void begin_sums(const Pass& pass, std::int64_t row, std::int64_t col,
                             float (&sums)[kWidth]) {
  const std::int64_t at = row * pass.cols + col;
  // A plain read: the sums of this pass may go where those of the pass before lie.
  KEDIT_UNROLL
  for (int e = 0; e < kWidth; ++e) sums[e] = pass.sums_in == nullptr ? 0.0F : pass.sums_in[at + e];
  if (pass.dense == nullptr) return;
  float change[kWidth];
  read_floats<kWidth>(pass.dense + at, pass.aligned, change);
  KEDIT_UNROLL
  for (int e = 0; e < kWidth; ++e) sums[e] += change[e];
}

template <int kWidth>
KEDIT_DEVICE void keep_sums(const Pass& pass, std::int64_t row, std::int64_t col,
                            const float (&sums)[kWidth]) {
  float* to = pass.sums_out + row * pass.cols + col;
  KEDIT_UNROLL
  for (int e = 0; e < kWidth; ++e) to[e] = sums[e];
}

template <class T, int kWidth>
KEDIT_DEVICE void write_sums(const float (&sums)[kWidth], Elements<T, kWidth>& block, T* out) {
  block.add(sums);
  block.store(out);
}

}  // namespace kedit::kernels::cuda
