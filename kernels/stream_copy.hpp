#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "kernels/element.hpp"

namespace kedit::kernels {

/// From this size on (bytes) results are written past the cache: an ordinary store first reads the
/// line it overwrites, which is half as much traffic again.
constexpr std::size_t kStreamFrom = std::size_t{8} << 20;

/// Copies `bytes` from a small buffer to memory that will not be read again soon.
KEDIT_KERNEL_INLINE void stream_copy(void* to, const void* from, std::size_t bytes) {
#if defined(__SSE2__)
  constexpr std::size_t kLine = 64;
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(target) % kLine;
  const std::size_t head = misaligned == 0 ? 0 : kLine - misaligned;
  if (bytes < head + kLine) {
    std::memcpy(to, from, bytes);
    return;
  }
  // Whole lines only: a line that is streamed in parts costs several times as much.
  std::memcpy(target, source, head);
  std::size_t done = head;
  for (; done + kLine <= bytes; done += kLine) {
    for (std::size_t part = done; part < done + kLine; part += sizeof(__m128i)) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + part));
      _mm_stream_si128(reinterpret_cast<__m128i*>(target + part), block);
    }
  }
  std::memcpy(target + done, source + done, bytes - done);
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

}  // namespace kedit::kernels
