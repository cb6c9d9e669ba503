// Longrope turns all of a text otherwise once the text is longer than its first length. What that
// does to caches, batches and shared beginnings.
#include "model/generation/prefix_cache.hpp"
#include "model/generation/prompt_clusters.hpp"
#include "model/generation/ragged_batch.hpp"
#include "model/generation/sampling.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace kedit;
using namespace kedit::testing;

namespace {

constexpr const char* kGolden = "phi3-longrope-long";  // a first length of 16
constexpr std::int64_t kFirst = 48;                    // of the model below

EditedModel long_model() {
  Architecture a = tiny_qwen2();
  a.rope_theta = 50.0;
  a.query_pre_attn_scalar = 0.1;  // sharp attention: where a key is turned to decides
  a.rope_scaling.kind = RopeKind::longrope;
  a.rope_scaling.original_positions = kFirst;
  a.rope_scaling.short_factors = {1.0, 1.2, 1.5, 2.0};
  a.rope_scaling.long_factors = {7.0, 20.0, 60.0, 200.0};
  a.rope_scaling.attention_factor = 1.2;
  return random_model(a, 3, false);
}

generation::TokenIds joined(generation::TokenIds a, const generation::TokenIds& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Drawn, not greedy: a draw moves with every probability, the best token seldom does.
generation::TokenIds by_whole_passes(const EditedModel& model, generation::TokenIds ids,
                                     const GenerateOptions& options, std::uint64_t number) {
  const auto prompt = static_cast<std::ptrdiff_t>(ids.size());
  for (std::int64_t i = 0; i < options.max_tokens; ++i) {
    const at::Tensor logits = plain_logits(model, ids).to(at::kFloat).contiguous();
    const double uniform =
        generation::stream_uniform(options.seed, number, 0, static_cast<std::uint64_t>(i));
    ids.push_back(
        generation::sample_token(logits.const_data_ptr<float>(), logits.numel(), options, uniform));
  }
  return {ids.begin() + prompt, ids.end()};
}

// Prompts within, at and beyond the first length, some of which begin alike.
std::vector<generation::TokenIds> prompts_around_first_length() {
  const generation::TokenIds stem = random_ids(40, 7);
  std::vector<generation::TokenIds> prompts;
  for (std::int64_t i = 1; i <= 16; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    prompts.push_back(joined(stem, random_ids(i, seed)));
    if (i % 2 == 0) prompts.push_back(random_ids(38 + i, 50 + seed));
  }
  return prompts;
}

}  // namespace

TEST_CASE("longrope: logits equal the reference's within, at and beyond the first length") {
  const EditedModel model(Model::load(golden_model(kGolden)));
  REQUIRE(model.architecture().first_length() == 16);
  CHECK_FALSE(model.architecture().position_limit());
  const at::Tensor ids = golden(kGolden, "ids");
  CHECK(max_difference(model.forward(input_of(ids)).logits, golden(kGolden, "logits")) < 1e-4);
  for (const std::int64_t length : {15, 16, 17}) {
    INFO(length);
    const at::Tensor logits = model.forward(input_of(ids.slice(1, 0, length))).logits;
    CHECK(max_difference(logits, golden(kGolden, "logits_at." + std::to_string(length))) < 1e-4);
  }
}

TEST_CASE("longrope: a cache keeps its keys as they were turned, as the reference's does") {
  const EditedModel model(Model::load(golden_model(kGolden)));
  const at::Tensor ids = golden(kGolden, "ids");
  const at::Tensor expected = golden(kGolden, "stepped_logits");
  KvCache cache;
  model.forward(input_of(ids.slice(1, 0, 12)), &cache);
  for (std::int64_t i = 0; i < 8; ++i) {
    const at::Tensor logits = model.forward(input_of(ids.slice(1, 12 + i, 13 + i)), &cache).logits;
    CHECK(max_difference(logits, expected.slice(1, i, i + 1)) < 1e-4);
  }
}

TEST_CASE("longrope: greedy text across the first length is the reference's by whole passes") {
  const EditedModel model(Model::load(golden_model(kGolden)));
  const at::Tensor expected = golden(kGolden, "greedy");
  const at::Tensor prompt = golden(kGolden, "ids")[0].slice(0, 0, 8).contiguous();
  const auto* first = prompt.const_data_ptr<std::int64_t>();
  GenerateOptions options;
  options.max_tokens = 24;
  options.ignore_eos = true;
  const auto results = generate_ids(model, {generation::TokenIds(first, first + 8)}, options);
  const auto* wanted = expected.const_data_ptr<std::int64_t>();
  CHECK(results.front().ids == generation::TokenIds(wanted, wanted + 24));
}

TEST_CASE("longrope: each row of a batch is what its prompt alone gives") {
  const EditedModel model = long_model();
  const auto prompts = prompts_around_first_length();
  GenerateOptions options;
  options.max_tokens = 6;
  options.temperature = 3.0;
  options.ignore_eos = true;
  generation::PrefixCache prefixes(kPrefixBytes);
  const std::int64_t rows = GENERATE(3, 64);
  for (const char* pass : {"first", "with beginnings kept"}) {
    INFO(pass);
    const auto results = generate_ids(model, prompts, options, rows, &prefixes);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      INFO("prompt " << i << " of " << prompts[i].size() << " tokens");
      CHECK(results[i].ids == by_whole_passes(model, prompts[i], options, i));
    }
  }
}

TEST_CASE("longrope: padding does not make a row of a batch a long one") {
  const c10::InferenceMode inference;
  const EditedModel model = long_model();
  const std::vector<generation::TokenIds> rows = {random_ids(46, 1), random_ids(54, 2),
                                                  random_ids(48, 3)};
  generation::RaggedBatch batch(model);
  const at::Tensor logits = batch.append(rows, {1, 1, 1});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    const at::Tensor row = logits[static_cast<std::int64_t>(i)];
    CHECK(max_difference(row, plain_logits(model, rows[i])) < 1e-4);
  }
}

TEST_CASE("longrope: a score is that of one pass over prompt and continuation") {
  const EditedModel model = long_model();
  std::vector<std::pair<generation::TokenIds, generation::TokenIds>> pairs;
  for (const generation::TokenIds& prompt : prompts_around_first_length()) {
    for (const std::int64_t length : {1, 2, 5}) {
      pairs.emplace_back(prompt, random_ids(length, 9 + static_cast<std::uint64_t>(length)));
    }
  }
  const auto scores = score_ids(model, pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [prompt, continuation] = pairs[i];
    generation::TokenIds seen = joined(prompt, continuation);
    seen.pop_back();
    const at::Tensor logits =
        at::log_softmax(model.forward(input_of(at::tensor(seen).unsqueeze(0))).logits[0], -1);
    for (std::size_t t = 0; t < continuation.size(); ++t) {
      const auto at_token = static_cast<std::int64_t>(prompt.size() + t) - 1;
      INFO("pair " << i << ", token " << t);
      CHECK(scores[i].token_logprobs[t] ==
            Approx(logits[at_token][continuation[t]].item<double>()).margin(1e-4));
    }
  }
}

TEST_CASE("longrope: beginnings of short and of long prompts are kept apart") {
  const generation::TokenIds stem = random_ids(40, 7);
  const std::vector<generation::TokenIds> prompts = {joined(stem, {5}), joined(stem, {6, 7}),
                                                     joined(stem, random_ids(9, 1)),
                                                     joined(stem, random_ids(10, 2))};
  CHECK(generation::cluster_prompts(prompts).size() == 1);
  const auto clusters = generation::cluster_prompts(prompts, kFirst);
  REQUIRE(clusters.size() == 2);
  CHECK(clusters[0].members == std::vector<std::size_t>{0, 1});
  CHECK(clusters[1].members == std::vector<std::size_t>{2, 3});
  CHECK(clusters[1].shared == 40);

  const c10::InferenceMode inference;
  const EditedModel model = long_model();
  generation::PrefixCache prefixes(kPrefixBytes);
  const at::Tensor within = prefixes.of(model, stem).keys[0];
  const at::Tensor beyond = prefixes.of(model, stem, kFirst + 1).keys[0];
  CHECK(prefixes.tokens_computed() == 80);
  CHECK(max_difference(within, beyond) > 1e-3);
  CHECK(at::equal(prefixes.of(model, stem, kFirst).keys[0], within));
  CHECK(at::equal(prefixes.of(model, stem, kFirst + 9).keys[0], beyond));
  CHECK(prefixes.tokens_computed() == 80);
}
