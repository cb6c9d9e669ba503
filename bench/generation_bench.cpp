// Generation on a checkpoint, one case a run; generation_reference.py runs the cases in turn with
// the reference library on the same checkpoint, and compares times and tokens. Prints one JSON
// line.
//
//   kedit_bench_generation CHECKPOINT CASE [THREADS] [REPEATS]
//
// Cases: floor (reads all weights once: what memory allows a token at best), decode1 and decode16
// (64 tokens after 16, in a batch of 1 and 16), questions (100 questions of 12 tokens after 1,000
// shared ones, 8 tokens each), alone (the first of them one by one, nothing reused; the time is for
// 100), few-shot (scores 100 targets of 4 tokens after questions of 12 after 500 shared ones),
// unshared (scores 100 targets of 4 tokens after prompts of 8 to 24), forward (the logits of one
// text of 24 tokens, 20 times).
#include "model/generation/generation.hpp"
#include "model/generation/prefix_cache.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace kedit;
using Prompts = std::vector<std::vector<std::int64_t>>;

using Pairs = std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>>;

constexpr std::int64_t kShared = 1000, kQuestion = 12, kQuestions = 100, kAlone = 3;
constexpr std::int64_t kExamples = 500, kTarget = 4, kText = 24, kTexts = 20;

// The reference script makes the same ids, within any vocabulary of some thousands.
class SomeIds {
 public:
  explicit SomeIds(std::int64_t vocab) : limit_(vocab / 1000 * 1000) {}

  std::vector<std::int64_t> operator()(std::int64_t row, std::int64_t count) const {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < count; ++i) {
      ids.push_back((7919 * i + 104729 * row + 13 * i * i) % limit_);
    }
    return ids;
  }

  // Of two rows, one behind the other.
  std::vector<std::int64_t> joined(std::int64_t shared, std::int64_t row,
                                   std::int64_t count) const {
    auto ids = (*this)(0, shared);
    const auto rest = (*this)(row, count);
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
  }

 private:
  std::int64_t limit_;
};

Prompts questions(const SomeIds& some_ids, std::int64_t count) {
  Prompts prompts;
  for (std::int64_t row = 1; row <= count; ++row) {
    prompts.push_back(some_ids.joined(kShared, row, kQuestion));
  }
  return prompts;
}

Pairs targets(const SomeIds& some_ids, bool shared) {
  Pairs pairs;
  for (std::int64_t row = 1; row <= kQuestions; ++row) {
    pairs.emplace_back(
        shared ? some_ids.joined(kExamples, row, kQuestion) : some_ids(row, 8 + row % 17),
        some_ids(row + 1000, kTarget));
  }
  return pairs;
}

struct Result {
  double seconds = 1e30, cpu_seconds = 1e30;
  Prompts ids;                   // what was generated
  std::vector<double> logprobs;  // or scored
};

template <class Work>
Result best_of(int repeats, const Work& work) {
  Result result;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t cpu_begin = std::clock();
    work(result);
    const auto cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    result.seconds = std::min(result.seconds, elapsed.count());
    result.cpu_seconds = std::min(result.cpu_seconds, cpu);
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

Result run_floor(const EditedModel& model, int repeats) {
  std::vector<at::Tensor> weights;
  for (const auto& [key, tensor] : named_tensors(model.architecture(), model.weights())) {
    if (key.find("wpe") == std::string::npos) weights.push_back(tensor);
  }
  return best_of(repeats * 16, [&](Result&) {
    if (read_all(weights, at::get_num_threads()) == 0.5) std::abort();
  });
}

Result run_decode(const EditedModel& model, std::int64_t rows, int repeats) {
  const SomeIds some_ids(model.architecture().vocab);
  Prompts prompts;
  for (std::int64_t row = 0; row < rows; ++row) prompts.push_back(some_ids(row, 16));
  return best_of(repeats, [&](Result& result) { result.ids = generate(model, prompts, 64); });
}

Result run_alone(const EditedModel& model, int repeats) {
  const SomeIds some_ids(model.architecture().vocab);
  Result best = best_of(repeats, [&](Result& result) {
    result.ids.clear();
    for (const auto& question : questions(some_ids, kAlone)) {
      result.ids.push_back(generate(model, {question}, 8)[0]);
    }
  });
  best.seconds *= static_cast<double>(kQuestions) / static_cast<double>(kAlone);
  best.cpu_seconds *= static_cast<double>(kQuestions) / static_cast<double>(kAlone);
  return best;
}

Result run_scores(const EditedModel& model, bool shared, int repeats) {
  const Pairs pairs = targets(SomeIds(model.architecture().vocab), shared);
  return best_of(repeats, [&](Result& result) {
    result.logprobs.clear();
    for (const ContinuationScore& score : score_ids(model, pairs)) {
      result.logprobs.push_back(score.logprob());
    }
  });
}

// What an optimiser runs again and again: all logits of a short text, without a cache.
Result run_forward(const EditedModel& model, int repeats) {
  const c10::InferenceMode no_gradients;
  ForwardInput input;
  input.ids = at::tensor(SomeIds(model.architecture().vocab)(1, kText), at::kLong).unsqueeze(0);
  return best_of(repeats, [&](Result& result) {
    at::Tensor logits;
    for (std::int64_t i = 0; i < kTexts; ++i) logits = model.forward(input).logits;
    result.logprobs = {logits.abs().mean().item<double>()};
  });
}

Result run_case(const EditedModel& model, const std::string& name, int repeats) {
  if (name == "floor") return run_floor(model, repeats);
  if (name == "decode1") return run_decode(model, 1, repeats);
  if (name == "decode16") return run_decode(model, 16, repeats);
  if (name == "alone") return run_alone(model, repeats);
  if (name == "few-shot") return run_scores(model, true, repeats);
  if (name == "unshared") return run_scores(model, false, repeats);
  if (name == "forward") return run_forward(model, repeats);
  const Prompts prompts = questions(SomeIds(model.architecture().vocab), kQuestions);
  return best_of(repeats, [&](Result& result) { result.ids = generate(model, prompts, 8); });
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
  fmt::print("{{\"seconds\": {}, \"cpu_seconds\": {}, \"ids\": [{}], \"logprobs\": [{}]}}\n",
             result.seconds, result.cpu_seconds, fmt::join(result.ids, ", "),
             fmt::join(result.logprobs, ", "));
  return EXIT_SUCCESS;
}
