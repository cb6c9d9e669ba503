#include "eval/probability_metrics.hpp"

#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <fstream>

using namespace kedit;
using namespace kedit::testing;

namespace {

/// Gives every continuation two tokens whose log-probability its first letter tells.
class ScoringModel final : public FakeModel {
 public:
  ScoringModel() : FakeModel([](const std::string&) { return ""; }) {}
  std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const override {
    std::vector<ContinuationScore> scores;
    for (const auto& [prompt, continuation] : pairs) {
      const double each = continuation.substr(0, 2) == " N" ? -1.0 : -2.0;
      scores.push_back({{1, 2}, {each, each}, false, 1});
    }
    return scores;
  }
};

CounterFactRecord record() {
  CounterFactRecord one;
  one.case_id = 4;
  one.request.prompt = "The capital of {} is";
  one.request.subject = "Avia";
  one.request.target_new = "Nor";
  one.request.target_true = "Old";
  one.request.rephrases = {"Avia's capital is"};
  one.neighborhood = {{"The capital of Belmar is", "Old"}};
  return one;
}

}  // namespace

TEST_CASE("scores on hand-made numbers") {
  // Two records: the first takes everywhere, the second ties in its rewrite (a tie fails), takes in
  // one of two paraphrases and keeps one of two neighbours.
  const std::vector<CounterFactOutputs> outputs = {
      {1, {1.0, 2.0}, {{1.0, 2.0}}, {{2.0, 1.0}}},
      {2, {1.0, 1.0}, {{1.0, 2.0}, {3.0, 2.0}}, {{2.0, 1.0}, {1.0, 2.0}}}};
  const CounterFactScores scores = counterfact_scores(outputs);
  CHECK(scores.es->value == Approx(0.5));
  CHECK(scores.ps->value == Approx(0.75));
  CHECK(scores.ns->value == Approx(0.75));
  CHECK(*scores.s == Approx(3.0 / (1.0 / 0.5 + 2.0 / 0.75)));
  CHECK(scores.es->half_width == Approx(1.96 * 0.5 / std::sqrt(2.0)));
  CHECK(scores.em->value == Approx((std::exp(-1.0) - std::exp(-2.0)) / 2.0));
  CHECK(scores.nm->value == Approx((std::exp(-1.0) - std::exp(-2.0)) / 2.0));
}

TEST_CASE("what was not asked is absent, never 0") {
  const CounterFactScores scores = counterfact_scores({{1, {1.0, 2.0}, {}, {}}});
  CHECK(scores.es.has_value());
  CHECK_FALSE(scores.ps.has_value());
  CHECK_FALSE(scores.s.has_value());
  CHECK_FALSE(to_json(scores).contains("PS"));
  CHECK(harmonic_mean({1.0, 0.0}) == 0.0);
}

TEST_CASE("a model is asked for both objects, length-normalised") {
  const CounterFactOutputs outputs = ask_counterfact(ScoringModel(), record());
  CHECK(outputs.rewrite.new_nll == Approx(1.0));
  CHECK(outputs.rewrite.true_nll == Approx(2.0));
  CHECK(outputs.paraphrase.size() == 1);
  CHECK(outputs.neighborhood.size() == 1);
}

TEST_CASE("zsRE counts tokens") {
  ZsreRecord one;
  one.number = 3;
  one.request = record().request;
  one.locality = {"nq question: who", "Nobody"};
  const ZsreOutputs outputs = ask_zsre(ScoringModel(), one);
  CHECK(outputs.specificity.tokens == 2);
  const ZsreScores scores = zsre_scores({outputs});
  CHECK(scores.efficacy.value == Approx(0.5));
  CHECK(scores.harmonic == Approx(0.5));
}

TEST_CASE("stored outputs are read back, and refused by field") {
  const std::string file = "probability-outputs.jsonl";
  const auto path = std::filesystem::temp_directory_path() / file;
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  const CounterFactOutputs outputs = ask_counterfact(ScoringModel(), record());
  write(to_text(to_json(outputs)) + "\n");
  CHECK(to_text(to_json(read_counterfact_outputs(path).at(0))) == to_text(to_json(outputs)));
  write(R"({"case_id": 1, "rewrite": [1]})");
  CHECK(contains(message_of([&] { read_counterfact_outputs(path); }), "/0/rewrite"));
  write(R"({"number": 1, "rewrite": [3, 2], "paraphrase": [1, 2], "specificity": [0, 1]})");
  CHECK(contains(message_of([&] { read_zsre_outputs(path); }), "not more right than there are"));
  std::filesystem::remove(path);
}
