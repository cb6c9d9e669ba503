#include "eval/metrics/probability_metrics.hpp"

#include "datasets/counterfact.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/answering/probability_answers.hpp"
#include "eval/metrics/metrics.hpp"
#include "eval/protocol/contamination.hpp"
#include "eval/runner/case_json.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
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

/// Keeps what it is asked; answers the n-th question with n tokens of -n nats each.
class ListeningModel final : public FakeModel {
 public:
  explicit ListeningModel(std::vector<std::string>& asked)
      : FakeModel([](const std::string&) { return ""; }), asked_(asked) {}
  std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const override {
    std::vector<ContinuationScore> scores;
    for (const auto& [prompt, continuation] : pairs) {
      asked_.push_back(prompt + continuation);
      const std::size_t n = asked_.size();
      scores.push_back({std::vector<std::int64_t>(n, 1),
                        std::vector<double>(n, -static_cast<double>(n)), false, 0});
    }
    return scores;
  }

 private:
  std::vector<std::string>& asked_;
};

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
  CHECK_FALSE(to_json(named_scores(scores)).contains("PS"));
  CHECK(harmonic_mean({1.0, 0.0}) == 0.0);
}

TEST_CASE("a model is asked for both objects, length-normalised") {
  const CounterFactOutputs outputs =
      ask_counterfact(ScoringModel(), lab_prompts(), case_of(counterfact_record()), {});
  CHECK(outputs.rewrite.new_nll == Approx(1.0));
  CHECK(outputs.rewrite.true_nll == Approx(2.0));
  CHECK(outputs.paraphrase.size() == 1);
  CHECK(outputs.neighborhood.size() == 1);
}

TEST_CASE("zsRE counts tokens") {
  ZsreRecord one;
  one.number = 3;
  one.request = counterfact_record().request;
  one.locality = {"nq question: who", "Nobody"};
  const ZsreOutputs outputs = ask_zsre(ScoringModel(), lab_prompts(), case_of(one), {});
  CHECK(outputs.specificity.tokens == 2);
  const ZsreScores scores = zsre_scores({outputs});
  CHECK(scores.efficacy.value == Approx(0.5));
  CHECK(scores.harmonic == Approx(0.5));
}

TEST_CASE("stored outputs are read back, and refused by field") {
  const std::string file = "probability-outputs.jsonl";
  const auto path = std::filesystem::temp_directory_path() / file;
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  const CounterFactOutputs outputs =
      ask_counterfact(ScoringModel(), lab_prompts(), case_of(counterfact_record()), {});
  write(to_text(to_json(outputs)) + "\n");
  CHECK(to_text(to_json(read_counterfact_outputs(path).at(0))) == to_text(to_json(outputs)));
  write(R"({"case_id": 1, "rewrite": [1]})");
  CHECK(contains(message_of([&] { read_counterfact_outputs(path); }), "/0/rewrite"));
  write(R"({"number": 1, "rewrite": [3, 2], "paraphrase": [1, 2], "specificity": [0, 1]})");
  CHECK(contains(message_of([&] { read_zsre_outputs(path); }), "not more right than there are"));
  std::filesystem::remove(path);
}

TEST_CASE("as metrics of a run, records count for the prompts that they have") {
  MquakeCase whole = case_of(counterfact_record());
  MquakeCase bare = whole;
  bare.case_id = 5;
  bare.neighborhood.clear();
  CaseOutputs said;
  said.counterfact = CounterFactOutputs{4, {1.0, 2.0}, {{1.0, 2.0}}, {{2.0, 1.0}}};
  CaseOutputs less = said;
  less.counterfact->neighborhood.clear();
  const auto scored = [&](const CaseOutputs* first, const CaseOutputs* second) {
    return std::vector<ScoredCase>{
        {&whole, judge(whole, first, MatchRule::exact, GoldSide::post), false, {}},
        {&bare, judge(bare, second, MatchRule::exact, GoldSide::post), false, {}}};
  };
  const auto value = [&](const char* metric, const CaseOutputs* first, const CaseOutputs* second) {
    return total(case_scores(metric, scored(first, second)).value());
  };
  CHECK(value("counterfact_es", &said, &less).value() == Approx(1.0));
  CHECK(value("counterfact_ns", &said, &less).n == Approx(1.0));
  CHECK(value("counterfact_ns", &said, &less).value() == Approx(1.0));
  // A record that nobody answered is a miss.
  CHECK(value("counterfact_es", &said, nullptr).value() == Approx(0.5));
  // Where nobody was asked, there is no number.
  CHECK_FALSE(case_scores("counterfact_ns", scored(nullptr, &less)).has_value());
  CHECK_FALSE(case_scores("counterfact_es", scored(nullptr, nullptr)).has_value());
  // No value case by case, and none of the other format.
  CHECK_FALSE(case_scores("counterfact_s", scored(&said, &less)).has_value());
  CHECK_FALSE(case_scores("zsre_efficacy", scored(&said, &less)).has_value());
  // Probabilities know no rule, and no golds of before.
  CHECK(judge(whole, &said, MatchRule::tokens, GoldSide::post).has_record);
  CHECK_FALSE(judge(whole, &said, MatchRule::exact, GoldSide::pre).has_record);
}

TEST_CASE("a record is stored and read back with its prompts") {
  const MquakeCase one = case_of(counterfact_record());
  const std::string stored = to_text(case_to_json(one));
  const MquakeCase again = case_from_json(stored);
  CHECK(to_text(case_to_json(again)) == stored);
  CHECK(again.source == CaseSource::counterfact);
  CHECK(again.neighborhood.at(0).prompt == "The capital of Belmar is");
  CHECK(requests_of(again).at(0).id == "counterfact/4");
  CHECK(requests_of(again).at(0).rephrases == counterfact_record().request.rephrases);

  CaseOutputs outputs;
  outputs.counterfact = CounterFactOutputs{4, {1.5, 2.0}, {{1.0, 2.0}}, {}};
  const std::string text = to_text(to_json(outputs));
  CHECK(to_text(to_json(case_outputs_from_json(text))) == text);
}

TEST_CASE("edits without a chain are contaminated by the same prompt with another object") {
  MquakeCase one = case_of(counterfact_record()), other = one, elsewhere = one;
  other.rewrites[0].target_new = "Sud";
  elsewhere.rewrites[0].subject = "Belmar";
  CHECK_FALSE(contaminated(one, edit_pool({&one, &one, &elsewhere})));
  CHECK(contaminated(one, edit_pool({&one, &other})));
  const std::vector<Fact> pool =
      facts_of({requests_of(one)[0], requests_of(other)[0], requests_of(elsewhere)[0]});
  const std::vector<Fact> kept = without_contradictions(pool, one);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].object == "Nor");
  CHECK(kept[1].subject == "Belmar");
}

TEST_CASE("ask_counterfact: facts stand above each prompt, each is asked for its own objects") {
  std::vector<std::string> asked;
  const MquakeCase one = case_of(counterfact_record());
  const std::vector<Fact> facts = facts_of(requests_of(one));
  const CounterFactOutputs outputs = ask_counterfact(ListeningModel(asked), lab_prompts(), one,
                                                     [&](const std::string&) { return facts; });
  const std::string above = "Facts: The capital of Avia is Nor.\n";
  CHECK(asked == std::vector<std::string>{
                     above + "The capital of Avia is Nor", above + "The capital of Avia is Old",
                     above + "Avia's capital is Nor", above + "Avia's capital is Old",
                     above + "The capital of Belmar is Nor",
                     above + "The capital of Belmar is Fenwick"});
  // The n-th question was answered with n nats a token.
  CHECK(outputs.rewrite.new_nll == Approx(1.0));
  CHECK(outputs.rewrite.true_nll == Approx(2.0));
  CHECK(outputs.paraphrase.at(0).new_nll == Approx(3.0));
  CHECK(outputs.paraphrase.at(0).true_nll == Approx(4.0));
  CHECK(outputs.neighborhood.at(0).new_nll == Approx(5.0));
  CHECK(outputs.neighborhood.at(0).true_nll == Approx(6.0));
}

TEST_CASE("ask_zsre: the paraphrase is asked as written, the unrelated question with its mark") {
  ZsreRecord one;
  one.number = 3;
  one.request = counterfact_record().request;
  one.locality = {"nq question: who sang it", "Nobody"};
  std::vector<std::string> asked;
  const ZsreOutputs outputs = ask_zsre(ListeningModel(asked), lab_prompts(), case_of(one), {});
  CHECK(asked == std::vector<std::string>{"The capital of Avia is Nor", "Avia's capital is Nor",
                                          "nq question: who sang it? Nobody"});
  // The n-th question was answered with n tokens of which the first is wrong.
  CHECK(outputs.rewrite.tokens == 1);
  CHECK(outputs.paraphrase.tokens == 2);
  CHECK(outputs.specificity.tokens == 3);
}
