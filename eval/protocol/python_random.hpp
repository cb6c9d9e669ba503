#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace kedit::protocol {

/// The generator of NumPy's legacy `RandomState(seed)`: `shuffle` as scikit-learn's stratified
/// folds use it.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : generator_(seed) {}

  /// Uniform in [0, highest]: low bits of a draw under the smallest mask that covers it.
  std::uint32_t up_to(std::uint32_t highest);

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i-- > 1;) {
      std::swap(values[i], values[up_to(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  std::mt19937 generator_;  // seeded as init_genrand does
};

/// The MT19937 generator as Python's `random.seed(n)` sets it up, with its bounded draw and its
/// shuffle: published group files were made with it, and must come out bit for bit.
class PythonRandom {
 public:
  /// `random.seed(seed)` for a non-negative integer.
  explicit PythonRandom(std::uint64_t seed);

  std::uint32_t next();  ///< getrandbits(32)
  /// Uniform in [0, n), n > 0, below 2^32: top bits of a draw, redrawn while too large.
  std::uint32_t below(std::uint32_t n);

  /// random.sample(range(n), k): k distinct numbers below n, in the order drawn; k at most n.
  std::vector<std::uint32_t> sample(std::uint32_t n, std::uint32_t k);

  /// random.shuffle: for i = n-1 ... 1 swap with below(i + 1).
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i-- > 1;) {
      std::swap(values[i], values[below(static_cast<std::uint32_t>(i + 1))]);
    }
  }

 private:
  static constexpr std::size_t kWords = 624;
  void refill();

  std::array<std::uint32_t, kWords> state_{};
  std::size_t used_ = kWords;
};

}  // namespace kedit::protocol
