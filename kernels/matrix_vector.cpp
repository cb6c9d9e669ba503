#include "kernels/matrix_vector.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace kedit::kernels {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kAhead = 512;  // weights of a row between those in use and those asked for
constexpr std::int64_t kInputs = 16;  // rows of an [in, out] weight that are read together

// Registers of `Width` floats.
template <int Width>
struct Register;
template <>
struct Register<4> {
  using Type = float __attribute__((vector_size(16)));
  using Loose = float __attribute__((vector_size(16), aligned(4), may_alias));
};
template <>
struct Register<8> {
  using Type = float __attribute__((vector_size(32)));
  using Loose = float __attribute__((vector_size(32), aligned(4), may_alias));
};
template <>
struct Register<16> {
  using Type = float __attribute__((vector_size(64)));
  using Loose = float __attribute__((vector_size(64), aligned(4), may_alias));
};

// Sixteen partial sums: one register of AVX-512, two of AVX2, four of SSE. The same sums in all.
template <int Width>
struct Lanes {
  static constexpr int kParts = static_cast<int>(kLanes) / Width;
  typename Register<Width>::Type parts[kParts];
};

using Quad = float __attribute__((vector_size(4 * sizeof(float))));
#if defined(__clang__)
#define KEDIT_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
using QuadIndex = int __attribute__((vector_size(4 * sizeof(int))));
#define KEDIT_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, QuadIndex{__VA_ARGS__})
#endif

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

template <int Width>
KEDIT_KERNEL_INLINE void load(const float* from, Lanes<Width>& to) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) {
    to.parts[p] = *reinterpret_cast<const typename Register<Width>::Loose*>(from + p * Width);
  }
}

template <int Width>
KEDIT_KERNEL_INLINE void load(const float* from, std::int64_t count, Lanes<Width>& to) {
  float values[kLanes] = {};
  std::memcpy(values, from, static_cast<std::size_t>(count) * sizeof(float));
  load(values, to);
}

template <int Width>
KEDIT_KERNEL_INLINE void store(const Lanes<Width>& from, float* to) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) {
    *reinterpret_cast<typename Register<Width>::Loose*>(to + p * Width) = from.parts[p];
  }
}

template <int Width>
KEDIT_KERNEL_INLINE void add(const Lanes<Width>& more, Lanes<Width>& sums) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) sums.parts[p] += more.parts[p];
}

template <int Width>
KEDIT_KERNEL_INLINE void add_product(const Lanes<Width>& w, const Lanes<Width>& x,
                                     Lanes<Width>& sums) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) sums.parts[p] += w.parts[p] * x.parts[p];
}

template <int Width>
KEDIT_KERNEL_INLINE void repeat(float value, Lanes<Width>& to) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) {
    const typename Register<Width>::Type zero = {};
    to.parts[p] = zero + value;
  }
}

// Sixteen sums to four, in the order that `sums_of` goes on with.
template <int Width>
KEDIT_KERNEL_INLINE void fold(const Lanes<Width>& lanes, Quad& folded) {
  Quad parts[kLanes / 4];
  std::memcpy(parts, lanes.parts, sizeof(parts));
  folded = (parts[0] + parts[2]) + (parts[1] + parts[3]);
}

// The sum of each of `Outs` registers; four at once by turning them over, in the same order.
template <int Width, int Outs>
KEDIT_KERNEL_INLINE void sums_of(const Lanes<Width> (&lanes)[Outs], float (&sums)[Outs]) {
  Quad a, b, c, d;
  if constexpr (Outs == 4) {
    fold(lanes[0], a);
    fold(lanes[1], b);
    fold(lanes[2], c);
    fold(lanes[3], d);
    const Quad ab_low = KEDIT_SHUFFLE(a, b, 0, 4, 1, 5);
    const Quad ab_high = KEDIT_SHUFFLE(a, b, 2, 6, 3, 7);
    const Quad cd_low = KEDIT_SHUFFLE(c, d, 0, 4, 1, 5);
    const Quad cd_high = KEDIT_SHUFFLE(c, d, 2, 6, 3, 7);
    const Quad even =
        KEDIT_SHUFFLE(ab_low, cd_low, 0, 1, 4, 5) + KEDIT_SHUFFLE(ab_high, cd_high, 0, 1, 4, 5);
    const Quad odd =
        KEDIT_SHUFFLE(ab_low, cd_low, 2, 3, 6, 7) + KEDIT_SHUFFLE(ab_high, cd_high, 2, 3, 6, 7);
    const Quad total = even + odd;
    std::memcpy(sums, &total, sizeof(sums));
  } else {
    for (int o = 0; o < Outs; ++o) {
      fold(lanes[o], a);
      sums[o] = (a[0] + a[2]) + (a[1] + a[3]);
    }
  }
}

// Outputs [o, o + Outs) of `Rows` rows by inner products along the stored rows of W. `ahead`: read
// the weights of what comes next into the cache on the way.
template <int Width, int Rows, int Outs>
KEDIT_KERNEL_INLINE void inner_products(const LinearMap& map, const float* x, float* y,
                                        std::int64_t o, bool ahead) {
  const float* weight = map.weight + o * map.in;
  Lanes<Width> sums[Rows][Outs] = {};
  Lanes<Width> w[Outs], lane;
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
  Lanes<Width> before = {}, w = {}, value = {};
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
  constexpr int kWidth = Tiling::kWidth, kOuts = Tiling::kOuts;
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
  constexpr int kWidth = Tiling::kWidth, kOuts = Tiling::kOuts;
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
