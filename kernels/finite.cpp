#include "kernels/finite.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/workers.hpp"

#include <algorithm>
#include <vector>

namespace kedit::kernels {
namespace {

// The greatest exponent field tells: all ones mean NaN or infinity.
template <class Word>
KEDIT_KERNEL_INLINE Word greatest_exponent(const Word* data, std::int64_t count,
                                           Word exponent_bits) {
  Word greatest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Word exponent = static_cast<Word>(data[i] & exponent_bits);
    greatest = greatest > exponent ? greatest : exponent;
  }
  return greatest;
}

template <class Word>
KEDIT_TARGET_AVX2 Word greatest_exponent_avx2(const Word* data, std::int64_t count, Word bits) {
  return greatest_exponent(data, count, bits);
}

template <class Word>
bool finite_range(const Word* data, std::int64_t count, Word bits) {
  const bool wide = instruction_set() != InstructionSet::plain;
  return (wide ? greatest_exponent_avx2(data, count, bits)
               : greatest_exponent(data, count, bits)) != bits;
}

template <class Word>
bool finite_typed(const void* data, std::int64_t count, Word bits, int threads) {
  constexpr std::int64_t kWorthAThread = std::int64_t{1} << 20;
  const std::int64_t workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(count / kWorthAThread, 1));
  const auto* words = static_cast<const Word*>(data);
  std::vector<char> finite(static_cast<std::size_t>(workers), 0);
  run_workers(workers, [&](std::int64_t worker) {
    const std::int64_t first = count / workers * worker;
    const std::int64_t last = worker + 1 == workers ? count : count / workers * (worker + 1);
    finite[static_cast<std::size_t>(worker)] =
        finite_range(words + first, last - first, bits) ? 1 : 0;
  });
  return std::all_of(finite.begin(), finite.end(), [](char ok) { return ok != 0; });
}

}  // namespace

bool all_finite(const void* data, WeightType type, std::int64_t count, int threads) {
  switch (type) {
    case WeightType::float32:
      return finite_typed<std::uint32_t>(data, count, 0x7F800000U, threads);
    case WeightType::bfloat16:
      return finite_typed<std::uint16_t>(data, count, 0x7F80U, threads);
    case WeightType::float16:
      return finite_typed<std::uint16_t>(data, count, 0x7C00U, threads);
  }
  return false;
}

}  // namespace kedit::kernels
