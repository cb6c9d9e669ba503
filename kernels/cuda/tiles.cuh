#pragma once

#include "kernels/cuda/update_pass.cuh"

#include <cstdint>

/// A float32 matrix product in tiles of 128 x 128: 256 threads, each with 8 x 8 sums in registers;
/// slabs of 8 strands pass through shared memory, one being fetched while the other is multiplied.
/// Every sum runs over the strands in order, one fused multiply-add each, so that it is the sum of
/// the plain loop to the bit.
namespace kedit::kernels::cuda {

constexpr int kTile = 128;
constexpr int kDepth = 8;
constexpr int kSide = 8;
constexpr int kTileThreads = 256;

/// A factor whose element (k, i) lies at data[k * stride + i], 0 <= k < depth, 0 <= i < width.
struct Operand {
  const float* data;
  int depth;
  std::int64_t width, stride;
  float filler;  ///< beyond the edges: the product of the two factors' is -0, which changes no sum
  bool aligned;  ///< data begins at 16 bytes and stride is a multiple of 4
};

/// Four columns of an operand, slab after slab.
struct Reader {
  const float* at;
  int there;  ///< of the four

  KEDIT_DEVICE void start(const Operand& operand, int k, std::int64_t first) {
    at = operand.data + k * operand.stride + first;
    const std::int64_t left_over = operand.width - first;
    there = left_over >= 4 ? 4 : left_over > 0 ? static_cast<int>(left_over) : 0;
  }
  KEDIT_DEVICE Four read_row(const Operand& operand, int k) const {
    const int usable = k < operand.depth ? there : 0;
    if (usable == 4 && operand.aligned) return read_four(at);
    Four four;
    KEDIT_UNROLL
    for (int i = 0; i < 4; ++i) four.value[i] = i < usable ? read(at + i) : operand.filler;
    return four;
  }
  KEDIT_DEVICE void next_slab(const Operand& operand) { at += kDepth * operand.stride; }
};

struct Slabs {
  alignas(16) float left[2][kDepth][kTile];
  alignas(16) float right[2][kDepth][kTile];
};

/// What one thread holds: its sums, and its part of the slab that comes next.
struct TileThread {
  float sums[kSide][kSide];
  Four left, right;
  Reader left_reader, right_reader;
};

/// Where the sums of thread `thread` stand in the tile: four neighbours, and four half a tile on.
KEDIT_DEVICE int tile_row(int thread, int i) {
  return i / 4 * (kTile / 2) + thread / 16 * 4 + i % 4;
}
KEDIT_DEVICE int tile_col(int thread, int j) {
  return j / 4 * (kTile / 2) + thread % 16 * 4 + j % 4;
}

KEDIT_DEVICE void start_slabs(const Operand& left, const Operand& right, std::int64_t row0,
                              std::int64_t col0, int thread, TileThread& own) {
  const int k = thread / (kTile / 4);
  const int at = thread % (kTile / 4) * 4;
  own.left_reader.start(left, k, row0 + at);
  own.right_reader.start(right, k, col0 + at);
}

/// Slabs are fetched in order; this one begins with strand `k0`.
KEDIT_DEVICE void fetch_slab(const Operand& left, const Operand& right, int k0, int thread,
                             TileThread& own) {
  const int k = k0 + thread / (kTile / 4);
  own.left = own.left_reader.read_row(left, k);
  own.right = own.right_reader.read_row(right, k);
  own.left_reader.next_slab(left);
  own.right_reader.next_slab(right);
}

KEDIT_DEVICE void put_slab(int thread, const TileThread& own, int which, Slabs& slabs) {
  const int k = thread / (kTile / 4);
  const int at = thread % (kTile / 4) * 4;
  *reinterpret_cast<Four*>(&slabs.left[which][k][at]) = own.left;
  *reinterpret_cast<Four*>(&slabs.right[which][k][at]) = own.right;
}

KEDIT_DEVICE void multiply_slab(int thread, const Slabs& slabs, int which, TileThread& own) {
  KEDIT_UNROLL
  for (int k = 0; k < kDepth; ++k) {
    Four left[2], right[2];
    KEDIT_UNROLL
    for (int half = 0; half < 2; ++half) {
      left[half] =
          *reinterpret_cast<const Four*>(&slabs.left[which][k][tile_row(thread, 4 * half)]);
      right[half] =
          *reinterpret_cast<const Four*>(&slabs.right[which][k][tile_col(thread, 4 * half)]);
    }
    KEDIT_UNROLL
    for (int i = 0; i < kSide; ++i) {
      KEDIT_UNROLL
      for (int j = 0; j < kSide; ++j) {
        own.sums[i][j] = fused(left[i / 4].value[i % 4], right[j / 4].value[j % 4], own.sums[i][j]);
      }
    }
  }
}

KEDIT_DEVICE void clear_sums(TileThread& own) {
  KEDIT_UNROLL
  for (int i = 0; i < kSide; ++i) {
    KEDIT_UNROLL
    for (int j = 0; j < kSide; ++j) own.sums[i][j] = 0.0F;
  }
}

/// Adds the product's tile at (row0, col0) to the sums. All threads of the block come here;
/// `meet` is its barrier.
template <class Meet>
KEDIT_DEVICE void multiply_tile(const Meet& meet, const Operand& left, const Operand& right,
                                std::int64_t row0, std::int64_t col0, int thread, Slabs& slabs,
                                TileThread& own) {
  start_slabs(left, right, row0, col0, thread, own);
  fetch_slab(left, right, 0, thread, own);
  put_slab(thread, own, 0, slabs);
  meet();
  int which = 0;
  for (int k = kDepth; k < left.depth; k += kDepth) {
    fetch_slab(left, right, k, thread, own);
    multiply_slab(thread, slabs, which, own);
    // Nobody reads the other slab: all have passed the barrier that followed its multiplication.
    which ^= 1;
    put_slab(thread, own, which, slabs);
    meet();
  }
  multiply_slab(thread, slabs, which, own);
}

struct TilePass {
  Pass pass;
  Operand left, right;
};

/// The sums at (row, col .. col + 3) of thread's row i: before the product, and after it.
template <int kWidth>
KEDIT_DEVICE void begin_tile(const Pass& pass, std::int64_t row0, std::int64_t col0, int thread,
                             TileThread& own) {
  KEDIT_UNROLL
  for (int i = 0; i < kSide; ++i) {
    const std::int64_t row = row0 + tile_row(thread, i);
    KEDIT_UNROLL
    for (int j = 0; j < kSide; j += kWidth) {
      const std::int64_t col = col0 + tile_col(thread, j);
      float sums[kWidth] = {};
      if (row < pass.rows && col < pass.cols) begin_sums<kWidth>(pass, row, col, sums);
      KEDIT_UNROLL
      for (int e = 0; e < kWidth; ++e) own.sums[i][j + e] = sums[e];
    }
  }
}

/// kWidth is 4, where 4 divides cols and rows of the weight lie aligned, or 1.
template <class T, int kWidth>
KEDIT_DEVICE void finish_tile(const Pass& pass, const T* base, T* out, std::int64_t row0,
                              std::int64_t col0, int thread, const TileThread& own) {
  KEDIT_UNROLL
  for (int i = 0; i < kSide; ++i) {
    const std::int64_t row = row0 + tile_row(thread, i);
    if (row >= pass.rows) continue;
    const std::int64_t weight_row = pass.weight_row(row);
    KEDIT_UNROLL
    for (int j = 0; j < kSide; j += kWidth) {
      const std::int64_t col = col0 + tile_col(thread, j);
      if (col >= pass.cols) continue;
      float sums[kWidth];
      KEDIT_UNROLL
      for (int e = 0; e < kWidth; ++e) sums[e] = own.sums[i][j + e];
      if (pass.sums_out != nullptr) {
        keep_sums<kWidth>(pass, row, col, sums);
        continue;
      }
      Elements<T, kWidth> block;
      block.load(base + weight_row * pass.cols + col);
      write_sums<T, kWidth>(sums, block, out + weight_row * pass.cols + col);
    }
  }
}

/// The kernel: what each thread of a block does, for the tile at (block_y, block_x).
template <class T, int kWidth, class Meet>
KEDIT_DEVICE void run_tile(const Meet& meet, const TilePass& tile, const T* base, T* out,
                           const Place& place, Slabs& slabs) {
  const std::int64_t row0 = place.block_y * kTile;
  const std::int64_t col0 = place.block_x * kTile;
  TileThread own;
  begin_tile<kWidth>(tile.pass, row0, col0, place.thread_x, own);
  multiply_tile(meet, tile.left, tile.right, row0, col0, place.thread_x, slabs, own);
  finish_tile<T, kWidth>(tile.pass, base, out, row0, col0, place.thread_x, own);
}

/// Many strands side by side: `left` [count, left_stride] and `right` [count, right_stride].
struct Packing {
  static constexpr int kMost = 64;
  static constexpr int kThreads = 256;
  Strand strands[kMost];
  int count = 0;
  std::int64_t rows = 0, cols = 0;
  float* left = nullptr;
  std::int64_t left_stride = 0;
  float* right = nullptr;
  std::int64_t right_stride = 0;
};

/// One element of each factor: block_y is the strand.
KEDIT_DEVICE void pack(const Packing& packing, const Place& place) {
  const std::int64_t k = place.block_y;
  const std::int64_t i = place.block_x * Packing::kThreads + place.thread_x;
  const Strand& strand = packing.strands[k];
  if (i < packing.rows) {
    packing.left[k * packing.left_stride + i] = read(strand.left + i * strand.left_stride);
  }
  if (i < packing.cols) packing.right[k * packing.right_stride + i] = read(strand.right + i);
}

}  // namespace kedit::kernels::cuda
