#include "model/generation/sampling.hpp"
#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

GenerateOptions sampled(std::uint64_t seed) {
  GenerateOptions options;
  options.max_tokens = 8;
  options.temperature = 1.0;
  options.seed = seed;
  options.ignore_eos = true;
  return options;
}

std::vector<std::vector<std::int64_t>> ids_of(const std::vector<Generation>& results) {
  std::vector<std::vector<std::int64_t>> ids;
  for (const Generation& result : results) ids.push_back(result.ids);
  return ids;
}

// How often each token is drawn in `draws` draws.
std::map<std::int64_t, int> counts_of(const std::vector<float>& logits,
                                      const GenerateOptions& options, int draws) {
  std::map<std::int64_t, int> counts;
  for (int i = 0; i < draws; ++i) {
    const double uniform = generation::stream_uniform(1, 2, 3, static_cast<std::uint64_t>(i));
    ++counts[generation::sample_token(logits.data(), static_cast<std::int64_t>(logits.size()),
                                      options, uniform)];
  }
  return counts;
}

}  // namespace

TEST_CASE("Sampling: a seed gives the same samples whatever else is in the batch") {
  const EditedModel model = random_model(tiny_qwen2());
  const std::vector<std::vector<std::int64_t>> prompts = {random_ids(4, 1), random_ids(11, 2),
                                                          random_ids(4, 1)};
  GenerateOptions options = sampled(42);
  options.samples = 3;
  const auto results = ids_of(generate_ids(model, prompts, options));
  CHECK(ids_of(generate_ids(model, prompts, options, 2)) == results);
  CHECK(ids_of(generate_ids(model, {prompts[0]}, options)) ==
        std::vector<std::vector<std::int64_t>>(results.begin(), results.begin() + 3));
  options.seed = 43;
  CHECK(ids_of(generate_ids(model, prompts, options)) != results);
}

TEST_CASE("Sampling: samples of one prompt and of equal prompts use separate random streams") {
  const EditedModel model = random_model(tiny_qwen2());
  GenerateOptions options = sampled(7);
  options.samples = 4;
  const auto results = ids_of(generate_ids(model, {random_ids(4, 1), random_ids(4, 1)}, options));
  CHECK(std::set<std::vector<std::int64_t>>(results.begin(), results.end()).size() == 8);
}

TEST_CASE("Sampling: a temperature near zero gives the greedy text") {
  const EditedModel model = random_model(tiny_qwen2());
  GenerateOptions options = sampled(1);
  options.temperature = 1e-4;
  const auto prompt = random_ids(5, 6);
  CHECK(generate_ids(model, {prompt}, options)[0].ids == plain_greedy(model, prompt, 8));
}

TEST_CASE("sample_token: tokens are drawn with the frequency of their probability") {
  const std::vector<float> logits = {0.0F, std::log(2.0F), std::log(5.0F), -INFINITY};
  GenerateOptions options = sampled(0);
  const auto counts = counts_of(logits, options, 20000);
  CHECK(counts.size() == 3);
  CHECK(counts.at(0) / 20000.0 == Approx(1.0 / 8).margin(0.01));
  CHECK(counts.at(1) / 20000.0 == Approx(2.0 / 8).margin(0.01));
  CHECK(counts.at(2) / 20000.0 == Approx(5.0 / 8).margin(0.01));
  options.temperature = 0.5;  // squares the probabilities
  CHECK(counts_of(logits, options, 20000).at(2) / 20000.0 == Approx(25.0 / 30).margin(0.01));
}

TEST_CASE(
    "sample_token: top_k and top_p keep the most probable tokens and the lower id among equals") {
  const std::vector<float> logits = {1.0F, 3.0F, 1.0F, 2.0F};
  GenerateOptions options = sampled(0);
  options.top_k = 3;
  const auto by_count = counts_of(logits, options, 2000);
  CHECK(by_count.size() == 3);
  CHECK(by_count.count(2) == 0);
  options.top_k = 0;
  options.top_p = 0.62;  // of 0.610, 0.225, 0.083, 0.083
  const auto by_mass = counts_of(logits, options, 2000);
  CHECK(by_mass.size() == 2);
  options.top_p = 0.6;
  CHECK(counts_of(logits, options, 2000).size() == 1);
}

TEST_CASE("sample_token: NaN or infinite logits are refused") {
  const GenerateOptions options = sampled(0);
  const std::vector<float> logits =
      GENERATE(values<std::vector<float>>({{NAN, 1.0F}, {INFINITY, 1.0F}, {-INFINITY, -INFINITY}}));
  CHECK_THROWS_AS(generation::sample_token(logits.data(), 2, options, 0.5), ModelError);
}

TEST_CASE("stream_uniform: values are uniform and differ in every argument") {
  double sum = 0.0;
  std::set<double> values;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    for (const double value :
         {generation::stream_uniform(i, 0, 0, 0), generation::stream_uniform(0, i + 1, 0, 0),
          generation::stream_uniform(0, 0, i + 1, 0), generation::stream_uniform(0, 0, 0, i + 1)}) {
      REQUIRE(value >= 0.0);
      REQUIRE(value < 1.0);
      sum += value;
      values.insert(value);
    }
  }
  CHECK(values.size() == 4000);
  CHECK(sum / 4000.0 == Approx(0.5).margin(0.02));
}

TEST_CASE("sample_token: the top_p nucleus equals that of a full sort for any size") {
  const std::int64_t vocab = 500;
  std::uint64_t state = 3;
  const at::Tensor noisy = noise({vocab}, GENERATE(0.2, 4.0), state);
  const std::vector<float> logits(noisy.data_ptr<float>(), noisy.data_ptr<float>() + vocab);
  GenerateOptions options = sampled(0);
  options.temperature = 0.7;
  options.top_p = GENERATE(0.01, 0.5, 0.9, 0.999, 1.0);
  options.top_k = GENERATE(0, 1, 100, 499, 900);
  std::vector<std::int64_t> sorted(static_cast<std::size_t>(vocab));
  std::iota(sorted.begin(), sorted.end(), 0);
  const auto logit = [&](std::int64_t id) { return logits[static_cast<std::size_t>(id)]; };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](auto a, auto b) { return logit(a) > logit(b); });
  if (options.top_k > 0 && options.top_k < vocab) {
    sorted.resize(static_cast<std::size_t>(options.top_k));
  }
  std::vector<double> weights;
  double total = 0.0;
  for (const auto id : sorted) total += weights.emplace_back(std::exp(logit(id) / 0.7));
  std::set<std::int64_t> nucleus;
  double mass = 0.0;
  for (std::size_t i = 0; i < sorted.size() && mass < options.top_p * total; ++i) {
    nucleus.insert(sorted[i]);
    mass += weights[i];
  }
  std::set<std::int64_t> drawn;
  for (int i = 0; i < 100; ++i) {
    drawn.insert(generation::sample_token(logits.data(), vocab, options, i / 100.0));
  }
  CHECK(std::includes(nucleus.begin(), nucleus.end(), drawn.begin(), drawn.end()));
  if (options.top_p == 1.0) return;
  const std::int64_t least = sorted[nucleus.size() - 1];  // the uniform's last stretch is its
  CHECK(generation::sample_token(logits.data(), vocab, options, 1.0 - 1e-12) == least);
}
