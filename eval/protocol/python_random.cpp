#include "eval/protocol/python_random.hpp"

#include <numeric>
#include <set>

namespace kedit::protocol {
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

// CPython takes a pool when a set of the sample would take more room, and a set of seen numbers
// otherwise; the two draw different numbers.
std::vector<std::uint32_t> PythonRandom::sample(std::uint32_t n, std::uint32_t k) {
  std::uint64_t set_size = 21;
  if (k > 5) {
    std::uint64_t power = 4;
    while (power < std::uint64_t{3} * k) power *= 4;
    set_size += power;
  }
  std::vector<std::uint32_t> chosen;
  if (n <= set_size) {
    std::vector<std::uint32_t> pool(n);
    std::iota(pool.begin(), pool.end(), std::uint32_t{0});
    for (std::uint32_t i = 0; i < k; ++i) {
      const std::uint32_t at = below(n - i);
      chosen.push_back(pool[at]);
      pool[at] = pool[n - i - 1];
    }
    return chosen;
  }
  std::set<std::uint32_t> seen;
  while (chosen.size() < k) {
    const std::uint32_t drawn = below(n);
    if (seen.insert(drawn).second) chosen.push_back(drawn);
  }
  return chosen;
}

std::uint32_t NumpyRandom::up_to(std::uint32_t highest) {
  std::uint32_t mask = highest;
  for (const unsigned shift : {1U, 2U, 4U, 8U, 16U}) mask |= mask >> shift;
  std::uint32_t drawn = highest;
  do {
    drawn = static_cast<std::uint32_t>(generator_()) & mask;
  } while (drawn > highest);
  return drawn;
}

}  // namespace kedit::protocol
