#include "model/generation/prefix_cache.hpp"

#include "model/generation/prompt_clusters.hpp"
#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace kedit;
using namespace kedit::testing;

namespace {

using Pairs = std::vector<std::pair<generation::TokenIds, generation::TokenIds>>;

generation::TokenIds joined(generation::TokenIds a, const generation::TokenIds& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// `count` prompts that share `shared` tokens and go on in different ways.
std::vector<generation::TokenIds> alike(std::int64_t shared, std::uint64_t count,
                                        std::uint64_t seed = 1) {
  std::vector<generation::TokenIds> prompts;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto rest = random_ids(static_cast<std::int64_t>(2 + i % 3), seed * 100 + i);
    prompts.push_back(joined(random_ids(shared, seed), rest));
  }
  return prompts;
}

GenerateOptions ten_tokens() {
  GenerateOptions options;
  options.max_tokens = 10;
  options.ignore_eos = true;
  return options;
}

std::vector<generation::TokenIds> ids_of(const std::vector<Generation>& results) {
  std::vector<generation::TokenIds> ids;
  for (const Generation& result : results) ids.push_back(result.ids);
  return ids;
}

std::vector<double> logprobs(const EditedModel& model, const Pairs& pairs,
                             generation::PrefixCache* prefixes = nullptr,
                             std::int64_t batch_rows = 64) {
  std::vector<double> all;
  for (const ContinuationScore& score : score_ids(model, pairs, batch_rows, prefixes)) {
    all.insert(all.end(), score.token_logprobs.begin(), score.token_logprobs.end());
  }
  return all;
}

EditDelta noisy_delta(const EditedModel& model) {
  const std::string name = weight_name(model.architecture().names.down, 0);
  const at::Tensor weight = model.base().weight(name);
  std::uint64_t state = 5;
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = model.base().fingerprint();
  delta.updates = {{name, LowRank{noise({weight.size(0), 1}, 1.0, state),
                                  noise({1, weight.size(1)}, 1.0, state)}}};
  return delta;
}

}  // namespace

TEST_CASE("cluster_prompts: prompts are grouped by their shared prefixes") {
  std::vector<generation::TokenIds> prompts = alike(300, 5, 1);
  const auto others = alike(200, 3, 2);
  prompts.insert(prompts.end(), others.begin(), others.end());
  for (std::uint64_t i = 0; i < 6; ++i) prompts.push_back(random_ids(5, 900 + i));
  auto clusters = generation::cluster_prompts(prompts);
  std::sort(clusters.begin(), clusters.end(),
            [](const auto& a, const auto& b) { return a.members.size() < b.members.size(); });
  REQUIRE(clusters.size() == 3);
  CHECK(clusters[0].shared >= 200);
  std::sort(clusters[0].members.begin(), clusters[0].members.end());
  CHECK(clusters[0].members == std::vector<std::size_t>{5, 6, 7});
  CHECK(clusters[1].shared >= 300);
  CHECK(clusters[1].members.size() == 5);
  CHECK(clusters[2].shared == 0);
  CHECK(clusters[2].members.size() == 6);
}

TEST_CASE("cluster_prompts: the last token of every prompt stays outside the shared prefix") {
  const generation::TokenIds stem = random_ids(30, 1);
  const auto clusters =
      generation::cluster_prompts({stem, joined(stem, {7, 8}), joined(stem, {9})});
  REQUIRE(clusters.size() == 1);
  CHECK(clusters[0].shared == 29);
  CHECK(generation::cluster_prompts({}).empty());
  CHECK(generation::cluster_prompts({random_ids(20, 1)})[0].shared == 0);
  CHECK(generation::cluster_prompts({random_ids(200, 1)})[0].shared == 192);
}

TEST_CASE("prefix_passes: a prefix is cut at boundaries that a longer prefix has too") {
  CHECK(generation::prefix_passes(0).empty());
  CHECK(generation::prefix_passes(5) == std::vector<std::int64_t>{5});
  CHECK(generation::prefix_passes(600) == std::vector<std::int64_t>{256, 512, 576, 592, 600});
}

TEST_CASE("PrefixCache: entries of earlier calls leave log-probabilities bit for bit equal") {
  const EditedModel model = random_model(tiny_qwen2());
  Pairs pairs;
  for (const generation::TokenIds& prompt : alike(130, 6))
    pairs.emplace_back(prompt, random_ids(3, 77));
  const auto expected = logprobs(model, pairs);
  generation::PrefixCache prefixes(kPrefixBytes);
  CHECK(logprobs(model, pairs, &prefixes) == expected);
  CHECK(prefixes.tokens_computed() == 130);
  CHECK(logprobs(model, pairs, &prefixes) == expected);
  CHECK(prefixes.tokens_computed() == 130);
  // A prompt alone, and a longer beginning: they take over the passes that they have in common.
  const auto alone = logprobs(model, {pairs[0]});
  CHECK(logprobs(model, {pairs[0]}, &prefixes) == alone);
  CHECK(prefixes.tokens_computed() == 130);
  Pairs longer;
  for (const auto& [prompt, target] : pairs) {
    longer.emplace_back(joined(random_ids(130, 1), joined(random_ids(20, 5), prompt)), target);
  }
  const auto of_longer = logprobs(model, longer);
  CHECK(logprobs(model, longer, &prefixes) == of_longer);
  CHECK(prefixes.tokens_computed() < 130 + 290);
  CHECK(logprobs(model, pairs, &prefixes) == expected);
}

TEST_CASE("PrefixCache: mounting an edit never reuses keys of other weights") {
  EditedModel model = random_model(tiny_qwen2());
  EditedModel edited = random_model(tiny_qwen2());
  edited.mount("a", noisy_delta(edited));
  Pairs pairs;
  for (const generation::TokenIds& prompt : alike(100, 4))
    pairs.emplace_back(prompt, random_ids(2, 3));
  const auto of_base = logprobs(model, pairs);
  const auto of_edited = logprobs(edited, pairs);
  REQUIRE(of_base != of_edited);

  generation::PrefixCache prefixes(kPrefixBytes);
  CHECK(logprobs(model, pairs, &prefixes) == of_base);
  model.mount("a", noisy_delta(model));
  CHECK(logprobs(model, pairs, &prefixes) == of_edited);
  CHECK(prefixes.tokens_computed() == 200);
  model.unmount("a");
  CHECK(logprobs(model, pairs, &prefixes) == of_base);
  CHECK(prefixes.tokens_computed() == 200);  // the base's own tensors are back
  model.mount("a", noisy_delta(model));
  CHECK(logprobs(model, pairs, &prefixes) == of_edited);
  CHECK(prefixes.tokens_computed() == 300);  // rebuilt weights are others
  CHECK(logprobs(random_model(tiny_qwen2(), 2), pairs, &prefixes) != of_base);
}

TEST_CASE("PrefixCache: weights changed in place are computed anew") {
  const EditedModel model = random_model(tiny_qwen2());
  generation::PrefixCache prefixes(kPrefixBytes);
  const Pairs pairs = {{random_ids(100, 1), {4}}};
  const auto before = logprobs(model, pairs, &prefixes);
  at::Tensor weight = model.weights().layers[0].down.weight;
  weight.mul_(1.5);
  const auto after = logprobs(model, pairs, &prefixes);
  CHECK(after != before);
  CHECK(after == logprobs(model, pairs));
}

TEST_CASE("PrefixCache: the most recently used prefixes are kept within the size limit") {
  const EditedModel model = random_model(tiny_qwen2());
  const c10::InferenceMode inference;
  generation::PrefixCache all(kPrefixBytes);
  all.of(model, random_ids(64, 1));
  const std::int64_t one = all.bytes();
  REQUIRE(one > 0);
  generation::PrefixCache two(2 * one);
  for (const std::uint64_t seed : {1, 2, 1, 3}) two.of(model, random_ids(64, seed));
  CHECK(two.bytes() <= 2 * one);
  CHECK(two.tokens_computed() == 3 * 64);
  two.of(model, random_ids(64, 1));  // used later than 2, so still here
  CHECK(two.tokens_computed() == 3 * 64);
  two.of(model, random_ids(64, 2));
  CHECK(two.tokens_computed() == 4 * 64);
  generation::PrefixCache none(0);
  CHECK(none.of(model, random_ids(64, 1)).length() == 64);
  CHECK(none.bytes() == 0);
}

TEST_CASE("PrefixCache: generation with shared prefixes equals a loop of plain passes") {
  const EditedModel model = random_model(tiny_qwen2());
  std::vector<generation::TokenIds> prompts = alike(70, 12, 1);
  const auto others = alike(90, 3, 2);
  prompts.insert(prompts.end(), others.begin(), others.end());
  prompts.push_back(random_ids(3, 50));
  generation::PrefixCache prefixes(kPrefixBytes);
  const std::int64_t batch_rows = GENERATE(64, 5, 1);
  const auto results = ids_of(generate_ids(model, prompts, ten_tokens(), batch_rows, &prefixes));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(results[i] == plain_greedy(model, prompts[i], 10));
  }
  CHECK(ids_of(generate_ids(model, prompts, ten_tokens(), batch_rows, &prefixes)) == results);
}

TEST_CASE("score_ids: log-probabilities in a batch equal single ones to 1e-5") {
  const bool learned = GENERATE(false, true);
  const EditedModel model = random_model(learned ? tiny_gpt2() : tiny_qwen2());
  Pairs pairs;
  for (std::uint64_t i = 0; i < 14; ++i) {
    const auto length = static_cast<std::int64_t>(1 + i * (learned ? 2 : 17));
    pairs.emplace_back(random_ids(length, i), random_ids(static_cast<std::int64_t>(1 + i % 4), i));
  }
  for (std::uint64_t i = 0; i < 12; ++i) {  // many continuations of one prompt
    pairs.emplace_back(random_ids(20, 5), random_ids(static_cast<std::int64_t>(1 + i % 5), 30 + i));
  }
  const auto together = logprobs(model, pairs);
  std::vector<double> single;
  for (const auto& pair : pairs) {
    const auto one = logprobs(model, {pair});
    single.insert(single.end(), one.begin(), one.end());
  }
  REQUIRE(together.size() == single.size());
  for (std::size_t i = 0; i < single.size(); ++i) {
    CHECK(together[i] == Approx(single[i]).margin(1e-5).epsilon(0));
  }
}

TEST_CASE("LocalLanguageModel: prefixes are reused between calls and results stay equal") {
  EditedModel model = random_model(tiny_qwen2());
  const LocalLanguageModel language(model);
  std::string shots;
  for (int i = 0; i < 12; ++i) shots += "The capital of Italy is Rome. ";
  const std::vector<std::string> prompts = {shots + "Hello", shots + "world", shots + "The"};
  const auto first = ids_of(language.generate(prompts, ten_tokens()));
  CHECK(ids_of(language.generate(prompts, ten_tokens())) == first);
  model.mount("a", noisy_delta(model));
  CHECK(ids_of(language.generate(prompts, ten_tokens())) ==
        ids_of(LocalLanguageModel(model).generate(prompts, ten_tokens())));
  model.unmount_all();
  CHECK(ids_of(language.generate(prompts, ten_tokens())) == first);
}
