#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

using Ids = std::vector<std::int64_t>;

// Log-probabilities by one plain pass for every token.
ContinuationScore plain_score(const EditedModel& model, Ids ids, const Ids& continuation) {
  ContinuationScore score{continuation, {}, true};
  for (const std::int64_t token : continuation) {
    const at::Tensor logits = plain_logits(model, ids);
    score.token_logprobs.push_back(at::log_softmax(logits, -1)[token].item<double>());
    score.greedy_match = score.greedy_match && logits.argmax().item<std::int64_t>() == token;
    ids.push_back(token);
  }
  return score;
}

void check_equal(const ContinuationScore& actual, const ContinuationScore& expected) {
  CHECK(actual.token_ids == expected.token_ids);
  CHECK(actual.greedy_match == expected.greedy_match);
  REQUIRE(actual.token_logprobs.size() == expected.token_logprobs.size());
  for (std::size_t i = 0; i < expected.token_logprobs.size(); ++i) {
    CHECK(actual.token_logprobs[i] == Approx(expected.token_logprobs[i]).margin(1e-4));
  }
}

}  // namespace

TEST_CASE(
    "score_ids: log-probabilities equal those of plain passes with and without shared prompts") {
  const EditedModel model = random_model(GENERATE(0, 1) == 0 ? tiny_qwen2() : tiny_gpt2());
  const Ids shared = random_ids(12, 1);
  std::vector<std::pair<Ids, Ids>> pairs = {{shared, random_ids(3, 2)},
                                            {random_ids(5, 3), random_ids(1, 4)},
                                            {shared, random_ids(1, 5)},
                                            {shared, {}},
                                            {random_ids(9, 6), random_ids(6, 7)},
                                            {shared, random_ids(7, 8)},
                                            {random_ids(5, 3), {}},
                                            {random_ids(2, 9), random_ids(4, 1)}};
  pairs.push_back({random_ids(4, 2), plain_greedy(model, random_ids(4, 2), 5)});
  const std::int64_t batch_rows = GENERATE(64, 2, 1);
  const auto scores = score_ids(model, pairs, batch_rows);
  REQUIRE(scores.size() == pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    check_equal(scores[i], plain_score(model, pairs[i].first, pairs[i].second));
  }
  CHECK(scores.back().greedy_match);
}

TEST_CASE("score_ids: a long prefix shared by all prompts leaves log-probabilities unchanged") {
  const EditedModel model = random_model(tiny_qwen2());
  std::vector<std::pair<Ids, Ids>> pairs;
  for (std::uint64_t i = 0; i < 6; ++i) {
    Ids prompt = random_ids(30, 1);
    const Ids rest = random_ids(static_cast<std::int64_t>(i / 2), 4 + i / 2);
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    pairs.emplace_back(prompt, random_ids(static_cast<std::int64_t>(1 + i), 50 + i));
  }
  const auto scores = score_ids(model, pairs, 2);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    check_equal(scores[i], plain_score(model, pairs[i].first, pairs[i].second));
  }
}

TEST_CASE("score_ids: a continuation may use the last learned position and none beyond") {
  const EditedModel model = random_model(tiny_gpt2());  // 40 positions
  const Ids prompt = random_ids(38, 1);
  check_equal(score_ids(model, {{prompt, {7, 8, 9}}})[0], plain_score(model, prompt, {7, 8, 9}));
  CHECK_THROWS_AS(score_ids(model, {{prompt, {7, 8, 9, 10}}}), ModelError);
  CHECK_THROWS_AS(score_ids(model, {{prompt, {420}}}), ModelError);
  CHECK_THROWS_AS(score_ids(model, {{{}, {7}}}), ModelError);
}

TEST_CASE("LocalLanguageModel: score and generate work from text") {
  const EditedModel model = random_model(tiny_qwen2());
  const LocalLanguageModel language(model);
  const Tokenizer& tokenizer = model.tokenizer();
  const auto score = language.score({{"The capital of Italy is", " Rome"}})[0];
  CHECK(score.token_ids == tokenizer.ids(" Rome", false));
  double sum = 0.0;
  for (const double logprob : score.token_logprobs) sum += logprob;
  CHECK(score.logprob() == Approx(sum));
  check_equal(score, plain_score(model, tokenizer.ids("The capital of Italy is"), score.token_ids));

  GenerateOptions options;
  options.max_tokens = 5;
  options.ignore_eos = true;
  const auto results = language.generate({"Hello world", "The"}, options);
  REQUIRE(results.size() == 2);
  CHECK(results[1].ids == plain_greedy(model, tokenizer.ids("The"), 5));
  CHECK(language.name() == model.fingerprint());
}

TEST_CASE("StopReason: every value has its name of the contract") {
  CHECK(to_string(StopReason::eos) == std::string("eos"));
  CHECK(to_string(StopReason::stop) == std::string("stop"));
  CHECK(to_string(StopReason::length) == std::string("length"));
  CHECK(to_string(StopReason::positions) == std::string("positions"));
}
