#include "kernels/matrix_vector.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/lanes.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace kedit::kernels {
namespace {

constexpr std::int64_t kAhead = 512;  // weights of a row between those in use and those asked for
constexpr std::int64_t kInputs = 16;  // rows of an [in, out] weight that are read together

// What fits into the registers of an instruction set: sums of `kRows` x `kOuts` Lanes, and weights.
template <int Width, int Rows, int Outs>
struct Tiling {
  static constexpr int kWidth = Width;
  static constexpr int kRows = Rows;
  static constexpr int kOuts = Outs;
};
using TilingAvx512 = Tiling<16, 6, 4>;  // 28 of 32 registers
using TilingAvx2 = Tiling<8, 6, 1>;     // 14 of 16
using TilingPlain = Tiling<4, 2, 1>;    // 12 of 16

// Outputs [o, o + Outs) of `Rows` rows by inner products along the stored rows of W. `ahead`: read
// the weights of what comes next into the cache on the way.
template <int Width, int Rows, int Outs>
KEDIT_KERNEL_INLINE void inner_products(const LinearMap& map, const float* x, float* y,
                                        std::int64_t o, bool ahead) {
  const float* weight = map.weight + o * map.in;
  Lanes<Width> sums[Rows][Outs] = {};
  Lanes<Width> w[Outs];
  Lanes<Width> lane;
  const std::int64_t whole = map.in / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    // Along the rows of W, and from their ends to the beginnings of those that follow.
    const std::int64_t next = i + kAhead + (i + kAhead < map.in ? 0 : (Outs - 1) * map.in);
    const std::int64_t wanted = ahead ? next : i;
#pragma GCC unroll 4
    for (int k = 0; k < Outs; ++k) {
      __builtin_prefetch(weight + k * map.in + wanted);
      load(weight + k * map.in + i, w[k]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      load(x + r * map.in + i, lane);
#pragma GCC unroll 4
      for (int k = 0; k < Outs; ++k) add_product(w[k], lane, sums[r][k]);
    }
  }
  if (const std::int64_t rest = map.in - whole; rest > 0) {
    for (int k = 0; k < Outs; ++k) load(weight + k * map.in + whole, rest, w[k]);
    for (int r = 0; r < Rows; ++r) {
      load(x + r * map.in + whole, rest, lane);
      for (int k = 0; k < Outs; ++k) add_product(w[k], lane, sums[r][k]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float totals[Outs];
    sums_of<Width, Outs>(sums[r], totals);
    for (int k = 0; k < Outs; ++k) {
      const float bias = map.bias != nullptr ? map.bias[o + k] : 0.0F;
      y[r * map.out + o + k] = bias + totals[k];
    }
  }
}

// y += x W for the inputs [begin, end) and the outputs [o, o + 16 Outs). These inputs are summed by
// themselves first: short sums of short sums round less than one long sum. `ahead`: how far behind
// these weights those stand that are read into the cache on the way.
template <int Width, int Rows, int Outs>
KEDIT_KERNEL_INLINE void outer_products(const LinearMap& map, const float* x, float* y,
                                        std::int64_t o, std::int64_t begin, std::int64_t end,
                                        std::int64_t ahead) {
  Lanes<Width> sums[Rows][Outs] = {};
  Lanes<Width> w[Outs] = {};
  for (std::int64_t i = begin; i < end; ++i) {
#pragma GCC unroll 4
    for (int k = 0; k < Outs; ++k) {
      const float* from = map.weight + i * map.out + o + k * kLanes;
      __builtin_prefetch(from + ahead);
      load(from, w[k]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      Lanes<Width> value = {};
      repeat(x[r * map.in + i], value);
#pragma GCC unroll 4
      for (int k = 0; k < Outs; ++k) add_product(w[k], value, sums[r][k]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int k = 0; k < Outs; ++k) {
      float* to = y + r * map.out + o + k * kLanes;
      Lanes<Width> before = {};
      load(to, before);
      add(before, sums[r][k]);
      store(sums[r][k], to);
    }
  }
}

// The last outputs, fewer than kLanes.
template <int Width>
KEDIT_KERNEL_INLINE void outer_rest(const LinearMap& map, const float* x, std::int64_t rows,
                                    float* y, std::int64_t o, std::int64_t begin,
                                    std::int64_t end) {
  const std::int64_t count = map.out - o;
  Lanes<Width> before = {};
  Lanes<Width> w = {};
  Lanes<Width> value = {};
  for (std::int64_t r = 0; r < rows; ++r) {
    Lanes<Width> sums = {};
    for (std::int64_t i = begin; i < end; ++i) {
      load(map.weight + i * map.out + o, count, w);
      repeat(x[r * map.in + i], value);
      add_product(w, value, sums);
    }
    load(y + r * map.out + o, count, before);
    add(before, sums);
    float values[kLanes];
    store(sums, values);
    std::memcpy(y + r * map.out + o, values, static_cast<std::size_t>(count) * sizeof(float));
  }
}

// Runs a tile for its last rows, at most `Rows`.
template <int Rows, class Tile>
KEDIT_KERNEL_INLINE void run_rest(std::int64_t rest, std::int64_t row, const Tile& tile) {
  if constexpr (Rows > 0) {
    if (rest == Rows) return tile.template run<Rows>(row);
    run_rest<Rows - 1>(rest, row, tile);
  }
}

// Runs a tile for all rows, in groups of at most `Most`.
template <int Most, class Tile>
KEDIT_KERNEL_INLINE void for_row_groups(std::int64_t rows, const Tile& tile) {
  std::int64_t row = 0;
  for (; rows - row >= Most; row += Most) tile.template run<Most>(row);
  run_rest<Most - 1>(rows - row, row, tile);
}

template <int Width, int Outs>
struct InnerTile {
  const LinearMap& map;
  const float* x;
  float* y;
  std::int64_t o;
  template <int Rows>
  KEDIT_KERNEL_INLINE void run(std::int64_t row) const {
    inner_products<Width, Rows, Outs>(map, x + row * map.in, y + row * map.out, o, row == 0);
  }
};

template <int Width, int Outs>
struct OuterTile {
  const LinearMap& map;
  const float* x;
  float* y;
  std::int64_t o, begin, end, ahead;
  template <int Rows>
  KEDIT_KERNEL_INLINE void run(std::int64_t row) const {
    outer_products<Width, Rows, Outs>(map, x + row * map.in, y + row * map.out, o, begin, end,
                                      row == 0 ? ahead : 0);
  }
};

template <class Tiling>
KEDIT_KERNEL_INLINE void multiply_out_in(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
  constexpr int kWidth = Tiling::kWidth;
  constexpr int kOuts = Tiling::kOuts;
  std::int64_t o = first;
  for (; last - o >= kOuts; o += kOuts) {
    for_row_groups<Tiling::kRows>(rows, InnerTile<kWidth, kOuts>{map, x, y, o});
  }
  for (; o < last; ++o) for_row_groups<Tiling::kRows>(rows, InnerTile<kWidth, 1>{map, x, y, o});
}

// A few rows of W at a time, along their whole width, so that memory is read in long runs.
template <class Tiling>
KEDIT_KERNEL_INLINE void multiply_in_out(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
  constexpr int kWidth = Tiling::kWidth;
  constexpr int kOuts = Tiling::kOuts;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t o = first; o < last; ++o) {
      y[r * map.out + o] = map.bias != nullptr ? map.bias[o] : 0.0F;
    }
  }
  for (std::int64_t begin = 0; begin < map.in; begin += kInputs) {
    const std::int64_t end = std::min(begin + kInputs, map.in);
    std::int64_t o = first;
    // Along the rows of W, and from the end of the range to the beginning of the next rows.
    const auto ahead = [&] {
      const std::int64_t next = 2 * kOutputBlock;
      return o + next < last ? next : next + first - last + kInputs * map.out;
    };
    for (; last - o >= kOuts * kLanes; o += kOuts * kLanes) {
      for_row_groups<Tiling::kRows>(rows,
                                    OuterTile<kWidth, kOuts>{map, x, y, o, begin, end, ahead()});
    }
    for (; last - o >= kLanes; o += kLanes) {
      for_row_groups<Tiling::kRows>(rows, OuterTile<kWidth, 1>{map, x, y, o, begin, end, ahead()});
    }
    if (o < last) outer_rest<kWidth>(map, x, rows, y, o, begin, end);
  }
}

template <class Tiling>
KEDIT_KERNEL_INLINE void multiply(const LinearMap& map, const float* x, std::int64_t rows, float* y,
                                  std::int64_t first, std::int64_t last) {
  if (map.in_out) {
    multiply_in_out<Tiling>(map, x, rows, y, first, last);
  } else {
    multiply_out_in<Tiling>(map, x, rows, y, first, last);
  }
}

KEDIT_TARGET_AVX512 void multiply_avx512(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
  multiply<TilingAvx512>(map, x, rows, y, first, last);
}

KEDIT_TARGET_AVX2 void multiply_avx2(const LinearMap& map, const float* x, std::int64_t rows,
                                     float* y, std::int64_t first, std::int64_t last) {
  multiply<TilingAvx2>(map, x, rows, y, first, last);
}

void check(const LinearMap& map, std::int64_t rows, std::int64_t first, std::int64_t last) {
  if (map.in >= 0 && map.out >= 0 && rows >= 0 && first >= 0 && first <= last && last <= map.out) {
    return;
  }
  throw std::invalid_argument(
      "multiplying rows: expected sizes of at least 0 and outputs inside them, found [" +
      std::to_string(map.out) + ", " + std::to_string(map.in) + "], " + std::to_string(rows) +
      " rows, outputs " + std::to_string(first) + " to " + std::to_string(last));
}

}  // namespace

void multiply_rows(const LinearMap& map, const float* x, std::int64_t rows, float* y,
                   std::int64_t first, std::int64_t last) {
  check(map, rows, first, last);
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return multiply_avx512(map, x, rows, y, first, last);
    case InstructionSet::avx2:
      return multiply_avx2(map, x, rows, y, first, last);
    case InstructionSet::plain:
      return multiply<TilingPlain>(map, x, rows, y, first, last);
  }
}

}  // namespace kedit::kernels
