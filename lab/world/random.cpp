#include "lab/world/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace kedit::lab {
namespace {

std::uint64_t rotated_left(std::uint64_t value, int by) {
  return (value << by) | (value >> (64 - by));
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : words_) {  // splitmix64
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Random::bits() {
  const std::uint64_t result = rotated_left(words_[1] * 5, 7) * 9;
  const std::uint64_t t = words_[1] << 17;
  words_[2] ^= words_[0];
  words_[3] ^= words_[1];
  words_[1] ^= words_[2];
  words_[0] ^= words_[3];
  words_[2] ^= t;
  words_[3] = rotated_left(words_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t n) {
  if (n < 2) return 0;
  const std::uint64_t limit = (0 - n) % n;  // 2^64 mod n: values under it would be favoured
  for (;;) {
    const std::uint64_t value = bits();
    if (value >= limit) return value % n;
  }
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
}

std::size_t Random::weighted(const std::vector<double>& weights) {
  double total = 0;
  for (double weight : weights) total += weight;
  double left = uniform() * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    if (left < weights[i]) return i;
    left -= weights[i];
  }
  return last;
}

std::string Random::state() const {
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", words_[0], words_[1], words_[2], words_[3]);
}

void Random::restore(const std::string& state) {
  std::array<std::uint64_t, 4> words{};
  bool good = state.size() == 64;
  for (std::size_t i = 0; good && i < 4; ++i) {
    const char* begin = state.data() + 16 * i;
    const auto [end, error] = std::from_chars(begin, begin + 16, words[i], 16);
    good = error == std::errc() && end == begin + 16;
  }
  const bool all_zero = std::all_of(words.begin(), words.end(), [](auto w) { return w == 0; });
  if (!good || all_zero) {
    throw std::invalid_argument(
        "restoring a random state: expected 64 hexadecimal digits that are not all 0, found '" +
        state.substr(0, 80) + "'");
  }
  words_ = words;
}

}  // namespace kedit::lab
