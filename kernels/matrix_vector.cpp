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
// Sixteen partial sums: one register of AVX-512, two of AVX2, four of SSE. The same sums in all.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using LooseLanes =
    float __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

using Quad = float __attribute__((vector_size(4 * sizeof(float))));
using QuadIndex = int __attribute__((vector_size(4 * sizeof(int))));

constexpr int kMostRows =
    6;  // that share a weight in registers: 6 x 4 sums and 4 weights fit in 32

KEDIT_KERNEL_INLINE void load(const float* from, Lanes& to) {
  to = *reinterpret_cast<const LooseLanes*>(from);
}

KEDIT_KERNEL_INLINE void load(const float* from, std::int64_t count, Lanes& to) {
  to = Lanes{};
  std::memcpy(&to, from, static_cast<std::size_t>(count) * sizeof(float));
}

KEDIT_KERNEL_INLINE void store(const Lanes& from, float* to) {
  *reinterpret_cast<LooseLanes*>(to) = from;
}

// Sixteen sums to four, in the order that `sums_of` goes on with.
KEDIT_KERNEL_INLINE void fold(const Lanes& lanes, Quad& folded) {
  Quad parts[kLanes / 4];
  std::memcpy(parts, &lanes, sizeof(parts));
  folded = (parts[0] + parts[2]) + (parts[1] + parts[3]);
}

// The sum of each of `Outs` registers; four at once by turning them over, in the same order.
template <int Outs>
KEDIT_KERNEL_INLINE void sums_of(const Lanes (&lanes)[Outs], float (&sums)[Outs]) {
  Quad a, b, c, d;
  if constexpr (Outs == 4) {
    fold(lanes[0], a);
    fold(lanes[1], b);
    fold(lanes[2], c);
    fold(lanes[3], d);
    const Quad ab_low = __builtin_shuffle(a, b, QuadIndex{0, 4, 1, 5});
    const Quad ab_high = __builtin_shuffle(a, b, QuadIndex{2, 6, 3, 7});
    const Quad cd_low = __builtin_shuffle(c, d, QuadIndex{0, 4, 1, 5});
    const Quad cd_high = __builtin_shuffle(c, d, QuadIndex{2, 6, 3, 7});
    const Quad even = __builtin_shuffle(ab_low, cd_low, QuadIndex{0, 1, 4, 5}) +
                      __builtin_shuffle(ab_high, cd_high, QuadIndex{0, 1, 4, 5});
    const Quad odd = __builtin_shuffle(ab_low, cd_low, QuadIndex{2, 3, 6, 7}) +
                     __builtin_shuffle(ab_high, cd_high, QuadIndex{2, 3, 6, 7});
    const Quad total = even + odd;
    std::memcpy(sums, &total, sizeof(sums));
  } else {
    for (int o = 0; o < Outs; ++o) {
      fold(lanes[o], a);
      sums[o] = (a[0] + a[2]) + (a[1] + a[3]);
    }
  }
}

// One step of `Rows` x `Outs` inner products: sums += w x.
template <int Rows, int Outs>
KEDIT_KERNEL_INLINE void add_products(const Lanes (&w)[Outs], const Lanes& x, int row,
                                      Lanes (&sums)[Rows][Outs]) {
#pragma GCC unroll 4
  for (int o = 0; o < Outs; ++o) sums[row][o] += w[o] * x;
}

// Outputs [o, o + Outs) of `Rows` rows by inner products along the stored rows of W. `ahead`: read
// the weights of what comes next into the cache on the way.
template <int Rows, int Outs>
KEDIT_KERNEL_INLINE void inner_products(const LinearMap& map, const float* x, float* y,
                                        std::int64_t o, bool ahead) {
  const float* weight = map.weight + o * map.in;
  Lanes sums[Rows][Outs] = {};
  Lanes w[Outs], lane;
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
      add_products<Rows, Outs>(w, lane, r, sums);
    }
  }
  if (const std::int64_t rest = map.in - whole; rest > 0) {
    for (int k = 0; k < Outs; ++k) load(weight + k * map.in + whole, rest, w[k]);
    for (int r = 0; r < Rows; ++r) {
      load(x + r * map.in + whole, rest, lane);
      add_products<Rows, Outs>(w, lane, r, sums);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float totals[Outs];
    sums_of<Outs>(sums[r], totals);
    for (int k = 0; k < Outs; ++k) {
      const float bias = map.bias != nullptr ? map.bias[o + k] : 0.0F;
      y[r * map.out + o + k] = bias + totals[k];
    }
  }
}

// `ahead`: how far behind these weights those stand that are read into the cache on the way.
// y += x W for the inputs [begin, end) and the outputs [o, o + 16 Outs). These inputs are summed by
// themselves first: short sums of short sums round less than one long sum.
template <int Rows, int Outs>
KEDIT_KERNEL_INLINE void outer_products(const LinearMap& map, const float* x, float* y,
                                        std::int64_t o, std::int64_t begin, std::int64_t end,
                                        std::int64_t ahead) {
  Lanes sums[Rows][Outs] = {};
  Lanes w[Outs], before;
  for (std::int64_t i = begin; i < end; ++i) {
#pragma GCC unroll 4
    for (int k = 0; k < Outs; ++k) {
      const float* from = map.weight + i * map.out + o + k * kLanes;
      __builtin_prefetch(from + ahead);
      load(from, w[k]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const Lanes lane = x[r * map.in + i] - Lanes{};
      add_products<Rows, Outs>(w, lane, r, sums);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int k = 0; k < Outs; ++k) {
      float* to = y + r * map.out + o + k * kLanes;
      load(to, before);
      store(before + sums[r][k], to);
    }
  }
}

// The last outputs, fewer than kLanes.
KEDIT_KERNEL_INLINE void outer_rest(const LinearMap& map, const float* x, std::int64_t rows,
                                    float* y, std::int64_t o, std::int64_t begin,
                                    std::int64_t end) {
  const std::int64_t count = map.out - o;
  Lanes before, w;
  for (std::int64_t r = 0; r < rows; ++r) {
    Lanes sums = {};
    load(y + r * map.out + o, count, before);
    for (std::int64_t i = begin; i < end; ++i) {
      load(map.weight + i * map.out + o, count, w);
      const Lanes lane = x[r * map.in + i] - Lanes{};
      sums += w * lane;
    }
    before += sums;
    std::memcpy(y + r * map.out + o, &before, static_cast<std::size_t>(count) * sizeof(float));
  }
}

// Calls `tile.run<Rows>(row)` for groups of at most kMostRows rows.
template <class Tile>
KEDIT_KERNEL_INLINE void for_row_groups(std::int64_t rows, const Tile& tile) {
  std::int64_t row = 0;
  for (; rows - row >= kMostRows; row += kMostRows) tile.template run<kMostRows>(row);
  switch (rows - row) {
    case 1:
      return tile.template run<1>(row);
    case 2:
      return tile.template run<2>(row);
    case 3:
      return tile.template run<3>(row);
    case 4:
      return tile.template run<4>(row);
    case 5:
      return tile.template run<5>(row);
    default:
      return;
  }
}

template <int Outs>
struct InnerTile {
  const LinearMap& map;
  const float* x;
  float* y;
  std::int64_t o;
  template <int Rows>
  KEDIT_KERNEL_INLINE void run(std::int64_t row) const {
    inner_products<Rows, Outs>(map, x + row * map.in, y + row * map.out, o, row == 0);
  }
};

template <int Outs>
struct OuterTile {
  const LinearMap& map;
  const float* x;
  float* y;
  std::int64_t o, begin, end, ahead;
  template <int Rows>
  KEDIT_KERNEL_INLINE void run(std::int64_t row) const {
    outer_products<Rows, Outs>(map, x + row * map.in, y + row * map.out, o, begin, end,
                               row == 0 ? ahead : 0);
  }
};

template <int Outs>
KEDIT_KERNEL_INLINE void multiply_out_in(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
  std::int64_t o = first;
  for (; last - o >= Outs; o += Outs) for_row_groups(rows, InnerTile<Outs>{map, x, y, o});
  for (; o < last; ++o) for_row_groups(rows, InnerTile<1>{map, x, y, o});
}

// A few rows of W at a time, along their whole width, so that memory is read in long runs.
template <int Outs>
KEDIT_KERNEL_INLINE void multiply_in_out(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
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
      return o + 2 * kOutputBlock < last
                 ? 2 * kOutputBlock
                 : 2 * kOutputBlock + first - last + kInputs * map.out;
    };
    for (; last - o >= Outs * kLanes; o += Outs * kLanes) {
      for_row_groups(rows, OuterTile<Outs>{map, x, y, o, begin, end, ahead()});
    }
    for (; last - o >= kLanes; o += kLanes) {
      for_row_groups(rows, OuterTile<1>{map, x, y, o, begin, end, ahead()});
    }
    if (o < last) outer_rest(map, x, rows, y, o, begin, end);
  }
}

template <int Outs>
KEDIT_KERNEL_INLINE void multiply(const LinearMap& map, const float* x, std::int64_t rows, float* y,
                                  std::int64_t first, std::int64_t last) {
  if (map.in_out) {
    multiply_in_out<Outs>(map, x, rows, y, first, last);
  } else {
    multiply_out_in<Outs>(map, x, rows, y, first, last);
  }
}

KEDIT_TARGET_AVX512 void multiply_avx512(const LinearMap& map, const float* x, std::int64_t rows,
                                         float* y, std::int64_t first, std::int64_t last) {
  multiply<4>(map, x, rows, y, first, last);
}

KEDIT_TARGET_AVX2 void multiply_avx2(const LinearMap& map, const float* x, std::int64_t rows,
                                     float* y, std::int64_t first, std::int64_t last) {
  multiply<1>(map, x, rows, y, first, last);
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
      return multiply<1>(map, x, rows, y, first, last);
  }
}

}  // namespace kedit::kernels
