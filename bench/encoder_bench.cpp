// Vectors of texts with an encoder, tokenising included; encoder_reference.py runs the reference
// library on the same texts in turn, and compares times and vectors. Prints one JSON line.
//
//   kedit_bench_encoder DIRECTORY TEXTS.json [THREADS] [REPEATS]
#include "json/json.hpp"
#include "model/encoder.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

struct Result {
  double seconds = 1e30, cpu_seconds = 1e30;
  at::Tensor vectors;
};

Result best_of(int repeats, const kedit::Encoder& encoder, const std::vector<std::string>& texts) {
  Result result;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t cpu_begin = std::clock();
    result.vectors = encoder.embed(texts);
    const auto cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    result.seconds = std::min(result.seconds, elapsed.count());
    result.cpu_seconds = std::min(result.cpu_seconds, cpu);
  }
  return result;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    fmt::print(stderr, "usage: kedit_bench_encoder DIRECTORY TEXTS.json [THREADS] [REPEATS]\n");
    return EXIT_FAILURE;
  }
  at::set_num_threads(count > 3 ? std::max(1, std::atoi(words[3])) : 2);
  const auto encoder = kedit::Encoder::load(words[1]);
  const kedit::Json document = kedit::read_json(words[2]);
  const auto texts = kedit::JsonView(document, words[2]).strings();
  const Result result = best_of(count > 4 ? std::max(1, std::atoi(words[4])) : 3, *encoder, texts);
  constexpr std::int64_t kShown = 32;  // vectors for the comparison
  const at::Tensor shown =
      result.vectors.narrow(0, 0, std::min(kShown, result.vectors.size(0))).contiguous();
  const auto* first = shown.const_data_ptr<float>();
  fmt::print("{{\"seconds\": {}, \"cpu_seconds\": {}, \"vectors\": [{}]}}\n", result.seconds,
             result.cpu_seconds, fmt::join(first, first + shown.numel(), ", "));
  return EXIT_SUCCESS;
}
