#pragma once

#include "kernels/cuda/tiles.cuh"

#include <cstdint>

namespace kedit::kernels::cuda {

/// Rows of keys that are summed in float32 before they join the float64 total: the error of a sum
/// is that of so many additions, however many keys there are.
constexpr std::int64_t kMomentRows = 256;

/// Adds one chunk's sums to the tile at (row0, col0) of the moment [dim, dim], row0 <= col0; the
/// `last` chunk also writes the mirror image.
KEDIT_DEVICE void add_to_moment(double* moment, std::int64_t dim, std::int64_t row0,
                                std::int64_t col0, int thread, const TileThread& own, bool last) {
  KEDIT_UNROLL
  for (int i = 0; i < kSide; ++i) {
    const std::int64_t row = row0 + tile_row(thread, i);
    double* const to = moment + row * dim + col0;
    double* const mirror = moment + col0 * dim + row;
    KEDIT_UNROLL
    for (int j = 0; j < kSide; ++j) {
      const int col = tile_col(thread, j);
      if (row >= dim || col0 + col >= dim) continue;
      const double total = to[col] + static_cast<double>(own.sums[i][j]);
      to[col] = total;
      if (last && row0 != col0) mirror[col * dim] = total;
    }
  }
}

/// `count` rows of keys [count, dim] from `first` on, as either factor of the product.
KEDIT_DEVICE Operand keys_operand(const float* keys, std::int64_t first, std::int64_t count,
                                  std::int64_t dim, bool aligned, float filler) {
  const std::int64_t left_over = count - first;
  const int rows = static_cast<int>(left_over < kMomentRows ? left_over : kMomentRows);
  return {keys + first * dim, rows, dim, dim, filler, aligned};
}

/// The kernel, for one chunk of keys: tiles on and above the diagonal; those below are their
/// images.
template <class Meet>
KEDIT_DEVICE void run_moment(const Meet& meet, const Operand& left, const Operand& right,
                             std::int64_t dim, double* moment, bool last, const Place& place,
                             Slabs& slabs) {
  if (place.block_y > place.block_x) return;  // the whole block
  const std::int64_t row0 = place.block_y * kTile;
  const std::int64_t col0 = place.block_x * kTile;
  TileThread own;
  clear_sums(own);
  multiply_tile(meet, left, right, row0, col0, place.thread_x, slabs, own);
  add_to_moment(moment, dim, row0, col0, place.thread_x, own, last);
}

}  // namespace kedit::kernels::cuda
