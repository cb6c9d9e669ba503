#pragma once

#include "kernels/instruction_sets.hpp"

#include <cstdint>
#include <cstring>

// Sixteen floats at a time, in the registers of any instruction set, with the same sums in all. For
// the files of this folder: no vector may be passed by value, as callers may lack its registers.
namespace kedit::kernels {

constexpr std::int64_t kLanes = 16;

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

template <int Width>
KEDIT_KERNEL_INLINE void load(const float* from, Lanes<Width>& to) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) {
    to.parts[p] =
        *reinterpret_cast<const typename Register<Width>::Loose*>(from + std::int64_t{p} * Width);
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
    *reinterpret_cast<typename Register<Width>::Loose*>(to + std::int64_t{p} * Width) =
        from.parts[p];
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
  Quad a;
  if constexpr (Outs == 4) {
    Quad b;
    Quad c;
    Quad d;
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

#undef KEDIT_SHUFFLE

}  // namespace kedit::kernels
