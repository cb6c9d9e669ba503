#pragma once

#include "kernels/element.hpp"

#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

/// Device code that is also host code: the tests run its index arithmetic thread by thread on the
/// CPU. What needs an instruction of the GPU has its host equivalent here, nowhere else.
#if defined(__CUDACC__)
#define KEDIT_DEVICE __host__ __device__ __forceinline__
#else
#define KEDIT_DEVICE inline
#endif
// Arrays that live in registers need every index known when compiling.
#if defined(__CUDA_ARCH__)
#define KEDIT_UNROLL _Pragma("unroll")
#else
#define KEDIT_UNROLL
#endif

namespace kedit::kernels::cuda {

/// Where a thread stands in its launch.
struct Place {
  std::int64_t block_x = 0, block_y = 0;
  int thread_x = 0, thread_y = 0;
};

/// Where all threads of a block wait for each other: `__syncthreads`, or what a test gives instead.
struct Barrier {
  KEDIT_DEVICE void operator()() const {
#if defined(__CUDA_ARCH__)
    __syncthreads();
#endif
  }
};

/// a * b + sum, rounded once.
KEDIT_DEVICE float fused(float a, float b, float sum) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, sum);
#else
  return std::fma(a, b, sum);
#endif
}

/// What the GPU would stop at.
KEDIT_DEVICE void assert_aligned([[maybe_unused]] const void* pointer,
                                 [[maybe_unused]] std::size_t bytes) {
#if !defined(__CUDA_ARCH__)
  assert(reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0);
#endif
}

/// Four floats that travel as one.
struct alignas(16) Four {
  float value[4];
};

/// Reads of what no thread writes.
KEDIT_DEVICE float read(const float* from) {
#if defined(__CUDA_ARCH__)
  return __ldg(from);
#else
  return *from;
#endif
}

KEDIT_DEVICE Four read_four(const float* from) {
#if defined(__CUDA_ARCH__)
  const float4 value = __ldg(reinterpret_cast<const float4*>(from));
  return {{value.x, value.y, value.z, value.w}};
#else
  assert_aligned(from, sizeof(Four));
  Four value;
  std::memcpy(&value, from, sizeof(value));
  return value;
#endif
}

/// `kCount` floats; `aligned`: they lie at a multiple of 16 bytes.
template <int kCount>
KEDIT_DEVICE void read_floats(const float* from, bool aligned, float (&to)[kCount]) {
  if constexpr (kCount % 4 == 0) {
    if (aligned) {
      KEDIT_UNROLL
      for (int i = 0; i < kCount; i += 4) {
        const Four four = read_four(from + i);
        KEDIT_UNROLL
        for (int j = 0; j < 4; ++j) to[i + j] = four.value[j];
      }
      return;
    }
  }
  KEDIT_UNROLL
  for (int i = 0; i < kCount; ++i) to[i] = read(from + i);
}

KEDIT_DEVICE float widen(float value) { return value; }

KEDIT_DEVICE float widen(Bfloat16 value) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(static_cast<std::uint32_t>(value.bits) << 16U);
#else
  return to_float(value);
#endif
}

KEDIT_DEVICE float widen(Float16 value) {
#if defined(__CUDA_ARCH__)
  return __half2float(__ushort_as_half(value.bits));
#else
  return to_float(value);
#endif
}

/// To nearest, ties to even. The bits of a NaN may differ from the host's.
KEDIT_DEVICE void narrow(float value, float& to) { to = value; }

KEDIT_DEVICE void narrow(float value, Bfloat16& to) {
#if defined(__CUDA_ARCH__)
  to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
  to = round_to<Bfloat16>(value);
#endif
}

KEDIT_DEVICE void narrow(float value, Float16& to) {
#if defined(__CUDA_ARCH__)
  to.bits = __half_as_ushort(__float2half_rn(value));
#else
  to = round_to<Float16>(value);
#endif
}

/// Two neighbours of a 16-bit type as one word, the first in its low half.
KEDIT_DEVICE std::uint32_t narrow_pair(float low, float high, Bfloat16) {
#if defined(__CUDA_ARCH__)
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  std::uint32_t word;
  memcpy(&word, &pair, sizeof(word));
  return word;
#else
  return round_to<Bfloat16>(low).bits | std::uint32_t{round_to<Bfloat16>(high).bits} << 16U;
#endif
}

KEDIT_DEVICE std::uint32_t narrow_pair(float low, float high, Float16) {
#if defined(__CUDA_ARCH__)
  const __half2 pair = __floats2half2_rn(low, high);
  std::uint32_t word;
  memcpy(&word, &pair, sizeof(word));
  return word;
#else
  return round_to<Float16>(low).bits | std::uint32_t{round_to<Float16>(high).bits} << 16U;
#endif
}

/// `kBytes` bytes that lie aligned to their number and travel as one.
template <int kBytes>
struct alignas(kBytes) Words {
  std::uint32_t word[kBytes / 4];
};

/// Weights are read once and written once: they shall not push the factors out of the cache.
KEDIT_DEVICE Words<16> read_once(const Words<16>* from) {
#if defined(__CUDA_ARCH__)
  const uint4 value = __ldcs(reinterpret_cast<const uint4*>(from));
  return {{value.x, value.y, value.z, value.w}};
#else
  assert_aligned(from, 16);
  Words<16> value;
  std::memcpy(&value, from, sizeof(value));
  return value;
#endif
}

KEDIT_DEVICE Words<8> read_once(const Words<8>* from) {
#if defined(__CUDA_ARCH__)
  const uint2 value = __ldcs(reinterpret_cast<const uint2*>(from));
  return {{value.x, value.y}};
#else
  assert_aligned(from, 8);
  Words<8> value;
  std::memcpy(&value, from, sizeof(value));
  return value;
#endif
}

KEDIT_DEVICE void write_once(Words<16>* to, const Words<16>& value) {
#if defined(__CUDA_ARCH__)
  __stcs(reinterpret_cast<uint4*>(to),
         make_uint4(value.word[0], value.word[1], value.word[2], value.word[3]));
#else
  assert_aligned(to, sizeof(value));
  std::memcpy(to, &value, sizeof(value));
#endif
}

KEDIT_DEVICE void write_once(Words<8>* to, const Words<8>& value) {
#if defined(__CUDA_ARCH__)
  __stcs(reinterpret_cast<uint2*>(to), make_uint2(value.word[0], value.word[1]));
#else
  assert_aligned(to, sizeof(value));
  std::memcpy(to, &value, sizeof(value));
#endif
}

/// `kWidth` neighbouring elements. Single elements need no alignment; more of them lie aligned to
/// their common size, 8 or 16 bytes.
template <class T, int kWidth>
struct Elements {
  static constexpr int kBytes = kWidth * static_cast<int>(sizeof(T));
  static constexpr int kPerWord = 4 / static_cast<int>(sizeof(T));
  static_assert(kBytes == 8 || kBytes == 16);
  Words<kBytes> words;

  KEDIT_DEVICE void load(const T* from) {
    words = read_once(reinterpret_cast<const Words<kBytes>*>(from));
  }
  KEDIT_DEVICE void store(T* to) const { write_once(reinterpret_cast<Words<kBytes>*>(to), words); }
  KEDIT_DEVICE float get(int i) const {
    if constexpr (sizeof(T) == 4) {
      T value;
      memcpy(&value, &words.word[i], sizeof(T));
      return widen(value);
    } else {
      const std::uint32_t word = words.word[i / 2];
      return widen(T{static_cast<std::uint16_t>(i % 2 == 0 ? word & 0xFFFFU : word >> 16U)});
    }
  }
  /// The elements plus `sums`, each rounded once.
  KEDIT_DEVICE void add(const float (&sums)[kWidth]) {
    KEDIT_UNROLL
    for (int i = 0; i < kWidth; i += kPerWord) {
      const float first = get(i) + sums[i];
      if constexpr (kPerWord == 1) {
        memcpy(&words.word[i], &first, sizeof(first));
      } else {
        words.word[i / 2] = narrow_pair(first, get(i + 1) + sums[i + 1], T{});
      }
    }
  }
};

template <class T>
struct Elements<T, 1> {
  T element;

  KEDIT_DEVICE void load(const T* from) { element = *from; }
  KEDIT_DEVICE void store(T* to) const { *to = element; }
  KEDIT_DEVICE void add(const float (&sums)[1]) { narrow(widen(element) + sums[0], element); }
};

}  // namespace kedit::kernels::cuda
