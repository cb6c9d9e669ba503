#include "eval/python_random.hpp"

namespace kedit {
namespace {

constexpr std::size_t kShift = 397;

std::uint32_t mixed(std::uint32_t previous, std::uint32_t factor) {
  return (previous ^ (previous >> 30U)) * factor;
}

}  // namespace

// init_by_array of Matsumoto and Nishimura with the seed's 32-bit words as the key, low word first.
PythonRandom::PythonRandom(std::uint64_t seed) {
  state_[0] = 19650218U;
  for (std::size_t i = 1; i < kWords; ++i) {
    state_[i] = mixed(state_[i - 1], 1812433253U) + static_cast<std::uint32_t>(i);
  }
  std::vector<std::uint32_t> key{static_cast<std::uint32_t>(seed)};
  if ((seed >> 32U) != 0) key.push_back(static_cast<std::uint32_t>(seed >> 32U));
  std::size_t i = 1;
  const auto advance = [&] {
    if (++i >= kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  for (std::size_t k = 0; k < kWords; ++k) {
    const std::size_t j = k % key.size();
    state_[i] =
        (state_[i] ^ mixed(state_[i - 1], 1664525U)) + key[j] + static_cast<std::uint32_t>(j);
    advance();
  }
  for (std::size_t k = 1; k < kWords; ++k) {
    state_[i] = (state_[i] ^ mixed(state_[i - 1], 1566083941U)) - static_cast<std::uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::refill() {
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint32_t y = (state_[i] & 0x80000000U) | (state_[(i + 1) % kWords] & 0x7FFFFFFFU);
    state_[i] = state_[(i + kShift) % kWords] ^ (y >> 1U) ^ ((y & 1U) != 0 ? 0x9908B0DFU : 0U);
  }
  used_ = 0;
}

std::uint32_t PythonRandom::next() {
  if (used_ == kWords) refill();
  std::uint32_t y = state_[used_++];
  y ^= y >> 11U;
  y ^= (y << 7U) & 0x9D2C5680U;
  y ^= (y << 15U) & 0xEFC60000U;
  return y ^ (y >> 18U);
}

std::uint32_t PythonRandom::below(std::uint32_t n) {
  unsigned bits = 0;
  while (bits < 32U && (n >> bits) != 0) ++bits;
  std::uint32_t draw = n;
  while (draw >= n) draw = next() >> (32U - bits);
  return draw;
}

}  // namespace kedit
