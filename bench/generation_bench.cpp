// Generation on a checkpoint, one case a run; generation_reference.py runs the cases in turn with
// the reference library on the same checkpoint, and compares times and tokens. Prints one JSON
// line.
//
//   kedit_bench_generation CHECKPOINT CASE [THREADS] [REPEATS]
//
// Cases: floor (reads all weights once: what memory allows a token at best), decode1 and decode16
// (64 tokens after 16, in a batch of 1 and 16), questions (100 questions of 12 tokens after 1,000
// shared ones, 8 tokens each), alone (the first of them one by one, nothing reused; the time is for
// 100).
#include "model/generation/generation.hpp"
#include "model/generation/prefix_cache.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace kedit;
using Prompts = std::vector<std::vector<std::int64_t>>;

constexpr std::int64_t kShared = 1000, kQuestion = 12, kQuestions = 100, kAlone = 3;

// The reference script makes the same ids.
std::vector<std::int64_t> some_ids(std::int64_t row, std::int64_t count) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back((7919 * i + 104729 * row + 13 * i * i) % 50000);
  return ids;
}

Prompts questions(std::int64_t count) {
  Prompts prompts;
  for (std::int64_t row = 1; row <= count; ++row) {
    prompts.push_back(some_ids(0, kShared));
    const auto rest = some_ids(row, kQuestion);
    prompts.back().insert(prompts.back().end(), rest.begin(), rest.end());
  }
  return prompts;
}

struct Result {
  double seconds = 1e30;
  Prompts ids;
};

Result best_of(int repeats, const std::function<Prompts()>& work) {
  Result result;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    result.ids = work();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    result.seconds = std::min(result.seconds, elapsed.count());
  }
  return result;
}

using Lanes = float __attribute__((vector_size(64), aligned(4), may_alias));

// In eight streams at once, which reads faster than one.
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3"))) float sum_of(
    const float* values, std::int64_t count) {
  constexpr std::int64_t kStreams = 8, kWidth = 16;
  const std::int64_t length = count / kStreams / kWidth * kWidth;
  Lanes sums[kStreams] = {};
  for (std::int64_t i = 0; i < length; i += kWidth) {
    for (std::int64_t k = 0; k < kStreams; ++k) {
      sums[k] += *reinterpret_cast<const Lanes*>(values + k * length + i);
    }
  }
  for (std::int64_t k = 1; k < kStreams; ++k) sums[0] += sums[k];
  return sums[0][0];
}

// Reads every float of the tensors, as many threads at it; the sum keeps the reads from being left
// out. (at::parallel_for is a plain loop in a program that is compiled without OpenMP.)
double read_all(const std::vector<at::Tensor>& tensors, int threads) {
  std::vector<double> totals(static_cast<std::size_t>(threads), 0.0);
  const auto read_share = [&](std::int64_t thread) {
    for (const at::Tensor& tensor : tensors) {
      const std::int64_t share = tensor.numel() / threads;
      totals[static_cast<std::size_t>(thread)] +=
          sum_of(tensor.const_data_ptr<float>() + thread * share, share);
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(read_share, thread);
  read_share(0);
  for (std::thread& other : others) other.join();
  return totals.front();
}

Prompts generate(const EditedModel& model, const Prompts& prompts, std::int64_t tokens,
                 generation::PrefixCache* prefixes = nullptr) {
  GenerateOptions options;
  options.max_tokens = tokens;
  options.ignore_eos = true;
  Prompts ids;
  for (const Generation& result : generate_ids(model, prompts, options, 64, prefixes)) {
    ids.push_back(result.ids);
  }
  return ids;
}

Result run_case(const EditedModel& model, const std::string& name, int repeats) {
  if (name == "floor") {
    std::vector<at::Tensor> weights;
    for (const auto& [key, tensor] : named_tensors(model.architecture(), model.weights())) {
      if (key.find("wpe") == std::string::npos) weights.push_back(tensor);
    }
    return best_of(repeats * 16, [&] {
      if (read_all(weights, at::get_num_threads()) == 0.5) std::abort();
      return Prompts();
    });
  }
  if (name == "decode1" || name == "decode16") {
    Prompts prompts;
    for (std::int64_t row = 0; row < (name == "decode1" ? 1 : 16); ++row) {
      prompts.push_back(some_ids(row, 16));
    }
    return best_of(repeats, [&] { return generate(model, prompts, 64); });
  }
  if (name == "questions") {
    return best_of(repeats, [&] { return generate(model, questions(kQuestions), 8); });
  }
  Result result = best_of(repeats, [&] {
    Prompts ids;
    for (const auto& question : questions(kAlone)) ids.push_back(generate(model, {question}, 8)[0]);
    return ids;
  });
  result.seconds *= static_cast<double>(kQuestions) / static_cast<double>(kAlone);
  return result;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    fmt::print(stderr, "usage: kedit_bench_generation CHECKPOINT CASE [THREADS] [REPEATS]\n");
    return EXIT_FAILURE;
  }
  at::set_num_threads(count > 3 ? std::max(1, std::atoi(words[3])) : 2);
  const EditedModel model(Model::load(words[1]));
  const Result result = run_case(model, words[2], count > 4 ? std::max(1, std::atoi(words[4])) : 1);
  fmt::print("{{\"seconds\": {}, \"ids\": [{}]}}\n", result.seconds, fmt::join(result.ids, ", "));
  return EXIT_SUCCESS;
}
