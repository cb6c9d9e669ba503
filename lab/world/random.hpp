#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kedit::lab {

/// Random numbers that are the same on every platform: xoshiro256** (Blackman and Vigna) seeded by
/// splitmix64, with own distributions (those of the standard library differ between vendors).
class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t bits();
  /// Uniform in [0, n) without bias; 0 when n < 2.
  std::uint64_t below(std::uint64_t n);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  bool chance(double p) { return uniform() < p; }
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high);
  /// Index drawn in proportion to `weights` (not negative, not all 0).
  std::size_t weighted(const std::vector<double>& weights);

  template <class T>
  const T& pick(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(i))]);
    }
  }

  /// 64 hexadecimal digits; `restore` throws `std::invalid_argument` for anything else.
  std::string state() const;
  void restore(const std::string& state);

 private:
  std::array<std::uint64_t, 4> words_{};
};

}  // namespace kedit::lab
