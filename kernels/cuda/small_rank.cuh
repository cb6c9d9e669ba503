#pragma once

#include "kernels/cuda/update_pass.cuh"

#include <cstdint>

/// Few strands: the time is that of reading and writing the weight once. A thread owns `kWidth`
/// neighbouring columns (16 bytes of the weight), keeps their part of the right factors in
/// registers and walks down the rows; the left factors of the block's rows lie in shared memory.
namespace kedit::kernels::cuda {

constexpr int kMostStrands = 16;  ///< of this form
constexpr int kGroups = 64;       ///< groups of columns side by side in a block
constexpr int kLanes = 4;         ///< rows that a block works on at a time
constexpr int kMostBlockRows = 128;

/// Rows of a thread that are asked for before the first is used: 64 bytes hide the way to memory.
template <int kBytes>
constexpr int kRowsInFlight = kBytes >= 16 ? 4 : 8;

struct SmallPass {
  Pass pass;
  Strand strands[kMostStrands];
  int count = 0;         ///< of strands
  bool aligned = false;  ///< Right factors begin at 16 bytes, and cols is a multiple of 4.
  int block_rows = 0;    ///< At most kMostBlockRows.
};

// What is missing to kRank strands: their product is -0, which changes no sum, not even -0.
constexpr float kLeftFiller = -0.0F;
constexpr float kRightFiller = 0.0F;

template <int kRank>
struct LeftRows {
  alignas(16) float left[kMostBlockRows][kRank];
};

/// First step: all threads of the block fetch its rows of the left factors.
template <int kRank>
KEDIT_DEVICE void fetch_left(const SmallPass& small, const Place& place, LeftRows<kRank>& shared) {
  const std::int64_t first = place.block_y * small.block_rows;
  const int thread = place.thread_y * kGroups + place.thread_x;
  for (int i = thread; i < small.block_rows * kRank; i += kGroups * kLanes) {
    const std::int64_t row = first + i / kRank;
    const int k = i % kRank;
    const bool there = k < small.count && row < small.pass.rows;
    shared.left[i / kRank][k] =
        there ? read(small.strands[k].left + row * small.strands[k].left_stride) : kLeftFiller;
  }
}

template <int kRank, int kWidth>
KEDIT_DEVICE void fetch_right(const SmallPass& small, std::int64_t col,
                              float (&right)[kRank][kWidth]) {
  KEDIT_UNROLL
  for (int k = 0; k < kRank; ++k) {
    if (k < small.count) {
      read_floats<kWidth>(small.strands[k].right + col, small.aligned, right[k]);
    } else {
      KEDIT_UNROLL
      for (int e = 0; e < kWidth; ++e) right[k][e] = kRightFiller;
    }
  }
}

template <int kRank>
KEDIT_DEVICE void fetch_coefficients(const float (&row)[kRank], float (&coefficients)[kRank]) {
  if constexpr (kRank % 4 == 0) {
    KEDIT_UNROLL
    for (int k = 0; k < kRank; k += 4) {
      const Four four = *reinterpret_cast<const Four*>(&row[k]);
      KEDIT_UNROLL
      for (int j = 0; j < 4; ++j) coefficients[k + j] = four.value[j];
    }
  } else {
    KEDIT_UNROLL
    for (int k = 0; k < kRank; ++k) coefficients[k] = row[k];
  }
}

template <int kRank, int kWidth>
KEDIT_DEVICE void add_strands(const float (&left)[kRank], const float (&right)[kRank][kWidth],
                              float (&sums)[kWidth]) {
  float coefficients[kRank];
  fetch_coefficients<kRank>(left, coefficients);
  KEDIT_UNROLL
  for (int k = 0; k < kRank; ++k) {
    KEDIT_UNROLL
    for (int e = 0; e < kWidth; ++e) sums[e] = fused(coefficients[k], right[k][e], sums[e]);
  }
}

/// Second step, after all threads have done the first. kPlain: no sums go in or out, no dense
/// change, no row index.
template <class T, int kRank, int kWidth, bool kPlain>
KEDIT_DEVICE void update_rows(const SmallPass& small, const T* base, T* out, const Place& place,
                              const LeftRows<kRank>& shared) {
  const Pass& pass = small.pass;
  const std::int64_t col = (place.block_x * kGroups + place.thread_x) * kWidth;
  if (col >= pass.cols) return;  // kWidth divides cols
  float right[kRank][kWidth];
  fetch_right<kRank, kWidth>(small, col, right);
  const std::int64_t first = place.block_y * small.block_rows;
  const std::int64_t left_over = pass.rows - first;
  const int count = static_cast<int>(left_over < small.block_rows ? left_over : small.block_rows);
  constexpr int kInFlight = kRowsInFlight<kWidth* static_cast<int>(sizeof(T))>;
  for (int row = place.thread_y; row < count; row += kLanes * kInFlight) {
    Elements<T, kWidth> blocks[kInFlight];
    std::int64_t at[kInFlight] = {};
    KEDIT_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      const int here = row + u * kLanes;
      if (here >= count) continue;
      const std::int64_t weight_row = kPlain ? first + here : pass.weight_row(first + here);
      at[u] = weight_row * pass.cols + col;
      if (kPlain || pass.sums_out == nullptr) blocks[u].load(base + at[u]);
    }
    KEDIT_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      const int here = row + u * kLanes;
      if (here >= count) continue;
      float sums[kWidth] = {};
      if constexpr (!kPlain) begin_sums<kWidth>(pass, first + here, col, sums);
      add_strands<kRank, kWidth>(shared.left[here], right, sums);
      if (!kPlain && pass.sums_out != nullptr) {
        keep_sums<kWidth>(pass, first + here, col, sums);
      } else {
        write_sums<T, kWidth>(sums, blocks[u], out + at[u]);
      }
    }
  }
}

/// The kernel: what each thread of a block does.
template <class T, int kRank, int kWidth, bool kPlain, class Meet>
KEDIT_DEVICE void run_small(const Meet& meet, const SmallPass& small, const T* base, T* out,
                            const Place& place, LeftRows<kRank>& shared) {
  fetch_left<kRank>(small, place, shared);
  meet();
  update_rows<T, kRank, kWidth, kPlain>(small, base, out, place, shared);
}

}  // namespace kedit::kernels::cuda
