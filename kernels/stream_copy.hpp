#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "kernels/element.hpp"

/// Writing past the cache, and asking for memory before it is needed.
namespace kedit::kernels {

constexpr std::size_t kLine = 64;  ///< bytes of a cache line

/// From this size on (bytes) results are written past the cache: an ordinary store first reads the
/// line it overwrites, which is half as much traffic again.
constexpr std::size_t kStreamFrom = std::size_t{8} << 20;

inline bool is_line_aligned(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % kLine == 0;
}

/// Copies whole lines (`bytes` a multiple of kLine) from a small buffer to line-aligned memory that
/// will not be read again soon. A line that is streamed in parts would cost several times as much.
KEDIT_KERNEL_INLINE void stream_lines(void* to, const void* from, std::size_t bytes) {
#if defined(__SSE2__)
  auto* target = static_cast<__m128i*>(to);
  const auto* source = static_cast<const __m128i*>(from);
  for (std::size_t i = 0; i < bytes / sizeof(__m128i); ++i) {
    _mm_stream_si128(target + i, _mm_load_si128(source + i));
  }
#else
  std::memcpy(to, from, bytes);
#endif
}

/// Orders streamed stores before what other threads read next.
inline void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// Asks for the `bytes` that lie some lines ahead of `from`; harmless beyond the end.
KEDIT_KERNEL_INLINE void prefetch_ahead(const void* from, std::size_t bytes) {
#if defined(__GNUC__)
  constexpr std::size_t kAhead = 2048;
  for (std::size_t at = 0; at < bytes; at += kLine) {
    __builtin_prefetch(static_cast<const char*>(from) + kAhead + at);
  }
#else
  static_cast<void>(from);
  static_cast<void>(bytes);
#endif
}

}  // namespace kedit::kernels
