// The update kernel beside a plain copy of the same matrix, in one run: a rank-1 update must read
// the base once and write the result once, so its time is measured in copies. Every result is
// compared with the reference loop before its time counts.
//
//   kedit_bench_low_rank_update [THREADS]      default: 1
#include "kernels/low_rank_update.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace kedit::kernels;

struct Case {
  const char* name;
  std::int64_t rows, cols;
  WeightType type;
  std::int64_t rank;
};

constexpr Case kCases[] = {
    {"GPT-2-XL c_proj, float32", 6400, 1600, WeightType::float32, 1},
    {"GPT-2-XL c_proj, float32", 6400, 1600, WeightType::float32, 8},
    {"Llama-3-8B down_proj, bfloat16", 4096, 14336, WeightType::bfloat16, 1},
    {"Llama-3-8B down_proj, bfloat16", 4096, 14336, WeightType::bfloat16, 4},
    {"Llama-3-8B down_proj, bfloat16", 4096, 14336, WeightType::bfloat16, 16},
    {"Llama-3-8B down_proj, float16", 4096, 14336, WeightType::float16, 1},
};

double best_seconds(const std::function<void()>& work) {
  double best = 1e30;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void copy_in_threads(void* to, const void* from, std::size_t bytes, int threads) {
  const auto run = [&](int part) {
    const std::size_t begin =
        bytes / static_cast<std::size_t>(threads) * static_cast<std::size_t>(part);
    const std::size_t end = part + 1 == threads ? bytes
                                                : bytes / static_cast<std::size_t>(threads) *
                                                      static_cast<std::size_t>(part + 1);
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                end - begin);
  };
  std::vector<std::thread> others;
  for (int part = 1; part < threads; ++part) others.emplace_back(run, part);
  run(0);
  for (auto& other : others) other.join();
}

std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (auto& value : out) value = static_cast<float>(random() % 2001) * 1e-5F - 1e-2F;
  return out;
}

// Any pattern of bits whose exponent is small is a fine weight.
std::vector<char> random_weight(std::size_t bytes, bool wide) {
  std::vector<char> out(bytes);
  std::mt19937 random(1);
  for (std::size_t i = 0; i + 1 < bytes; i += 2) {
    const auto high = static_cast<std::uint16_t>(0x3000U + random() % 0x0FFFU);
    const auto word = static_cast<std::uint16_t>(wide && i % 4 == 0 ? random() & 0xFFFFU : high);
    std::memcpy(out.data() + i, &word, 2);
  }
  return out;
}

bool run(const Case& c, int threads) {
  const auto elements = static_cast<std::size_t>(c.rows * c.cols);
  const std::size_t bytes = elements * (c.type == WeightType::float32 ? 4 : 2);
  const auto base = random_weight(bytes, c.type == WeightType::float32);
  std::vector<char> out(bytes), expected(bytes);
  const auto left = random_floats(c.rows * c.rank, 2), right = random_floats(c.rank * c.cols, 3);
  UpdateTerm term;
  term.low_rank = {left.data(), right.data(), c.rank};
  low_rank_update_reference(base.data(), expected.data(), c.type, c.rows, c.cols, {term});
  low_rank_update(base.data(), out.data(), c.type, c.rows, c.cols, {term}, threads);
  if (std::memcmp(out.data(), expected.data(), bytes) != 0) {
    fmt::print(stderr, "{}, rank {}: the result is not the reference loop's: no time counts\n",
               c.name, c.rank);
    return false;
  }
  const double copy =
      best_seconds([&] { copy_in_threads(out.data(), base.data(), bytes, threads); });
  const double update = best_seconds(
      [&] { low_rank_update(base.data(), out.data(), c.type, c.rows, c.cols, {term}, threads); });
  fmt::print("{:<32} [{}, {}] rank {:>2}: {:7.2f} ms, {:5.1f} GB/s, {:5.1f} % of copy bandwidth\n",
             c.name, c.rows, c.cols, c.rank, update * 1e3,
             2e-9 * static_cast<double>(bytes) / update, 100.0 * copy / update);
  return true;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::max(1, std::atoi(words[1])) : 1;
#ifdef NDEBUG
  fmt::print("{} threads, Release\n", threads);
#else
  fmt::print("{} threads, not a Release build: times mean little\n", threads);
#endif
  bool good = true;
  for (const auto& c : kCases) good = run(c, threads) && good;
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
