#include "eval/metrics/probability_metrics.hpp"

#include "datasets/counterfact.hpp"
#include "eval/answering/answerers.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/metrics/metrics.hpp"
#include "eval/metrics/old_outputs.hpp"
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

/// Recorded probabilities as `kedit score` and old results hold them.
CaseOutputs recorded(const Case& of, const std::string& json) {
  const Json value = parse_json(json, "test");
  CaseOutputs outputs;
  outputs.case_id = of.id;
  metrics::read_probabilities(JsonView(value, "test"), of, &outputs);
  return outputs;
}

std::vector<metrics::ScoredCase> judged(const std::vector<Case>& cases,
                                        const std::vector<CaseOutputs>& outputs) {
  std::vector<metrics::ScoredCase> scored;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    scored.push_back(
        {metrics::judge(cases[i], &outputs[i], MatchRule::exact, GoldSide::post), false, {}});
  }
  return scored;
}

std::vector<std::string> names_of(const std::vector<metrics::NamedScore>& scores) {
  std::vector<std::string> names;
  for (const metrics::NamedScore& one : scores) names.push_back(one.name);
  return names;
}

answering::AskPlan only_probabilities() {
  answering::AskPlan plan;
  plan.asks = {};
  return plan;
}

}  // namespace

TEST_CASE("CounterFact metrics: ES and PS and NS and S on a worked example") {
  // Two records: the first takes everywhere, the second ties in its rewrite (a tie fails), takes in
  // one of two paraphrases and keeps one of two neighbours.
  CounterFactRecord longer = counterfact_record();
  longer.case_id = 5;
  longer.request.rephrases.push_back("Avia has the capital");
  longer.neighborhood.push_back(longer.neighborhood.front());
  const std::vector<Case> cases = {case_of(counterfact_record()), case_of(longer)};
  const std::vector<CaseOutputs> outputs = {
      recorded(cases[0], R"({"rewrite": [1.0, 2.0], "paraphrase": [[1.0, 2.0]],
                             "neighborhood": [[2.0, 1.0]]})"),
      recorded(cases[1], R"({"rewrite": [1.0, 1.0], "paraphrase": [[1.0, 2.0], [3.0, 2.0]],
                             "neighborhood": [[2.0, 1.0], [1.0, 2.0]]})")};
  const auto scores = metrics::probability_scores(judged(cases, outputs));
  CHECK(names_of(scores) == std::vector<std::string>{"ES", "PS", "NS", "EM", "PM", "NM", "S"});
  CHECK(scores[0].value == Approx(0.5));
  CHECK(scores[1].value == Approx(0.75));
  CHECK(scores[2].value == Approx(0.75));
  CHECK(scores[6].value == Approx(3.0 / (1.0 / 0.5 + 2.0 / 0.75)));
  CHECK(scores[0].mean->half_width == Approx(1.96 * 0.5 / std::sqrt(2.0)));
  CHECK(scores[3].value == Approx((std::exp(-1.0) - std::exp(-2.0)) / 2.0));
  CHECK(scores[5].value == Approx((std::exp(-1.0) - std::exp(-2.0)) / 2.0));
}

TEST_CASE("CounterFact metrics: a score without prompts is absent and not zero") {
  const std::vector<Case> cases = {case_of(counterfact_record())};
  const std::vector<CaseOutputs> outputs = {recorded(cases[0], R"({"rewrite": [1.0, 2.0]})")};
  const auto scores = metrics::probability_scores(judged(cases, outputs));
  CHECK(names_of(scores) == std::vector<std::string>{"ES", "EM"});
  CHECK_FALSE(to_json(scores).contains("PS"));
  CHECK(metrics::harmonic_mean({1.0, 0.0}) == 0.0);
}

TEST_CASE("CounterFact metrics: exact match is every token of the side that counts") {
  CounterFactRecord record = counterfact_record();
  record.request.rephrases.push_back("Avia has the capital");
  const std::vector<Case> cases = {case_of(record)};
  CaseOutputs outputs =
      answering::ask_case(ScoringModel(), lab_prompts(), cases[0], only_probabilities(), {});
  // The gold of the second paraphrase and of the neighbour, the rival of the edit.
  output_at(outputs, cases[0], PromptKind::paraphrase, OutputKind::forced, 1).forced.recalled =
      true;
  output_at(outputs, cases[0], PromptKind::locality, OutputKind::forced, 0).forced.recalled = true;
  output_at(outputs, cases[0], PromptKind::rewrite, OutputKind::rival, 0).forced.recalled = true;
  const Json scores = to_json(metrics::probability_scores(judged(cases, {outputs})));
  CHECK(scores["rewrite_acc"]["value"] == 0.0);
  CHECK(scores["paraphrase_acc"]["value"] == 0.5);
  CHECK(scores["neighborhood_acc"]["value"] == 1.0);
}

TEST_CASE("CounterFact metrics: scores of texts are those of records that were asked for some") {
  CounterFactRecord second = counterfact_record(), third = counterfact_record();
  second.case_id = 5;
  third.case_id = 6;
  const std::vector<Case> cases = {case_of(counterfact_record()), case_of(second), case_of(third)};
  std::vector<CaseOutputs> outputs(3);
  for (std::size_t i = 0; i < 3; ++i) outputs[i].case_id = cases[i].id;
  outputs[0].texts = {6.0, 0.5, 40.0};
  outputs[1].texts = {4.0, std::nan(""), std::nullopt};
  const auto scores = metrics::probability_scores(judged(cases, outputs));
  CHECK(names_of(scores) == std::vector<std::string>{"GE", "RS", "essence"});
  CHECK(scores[0].value == Approx(5.0));
  CHECK(scores[0].mean->n == 2);
  CHECK(scores[1].value == Approx(0.5));
  CHECK(scores[1].mean->n == 1);
  CHECK(scores[2].value == Approx(40.0));
}

TEST_CASE("a model is asked for gold and rival, length-normalised") {
  const Case one = case_of(counterfact_record());
  const CaseOutputs outputs =
      answering::ask_case(ScoringModel(), lab_prompts(), one, only_probabilities(), {});
  const auto forced = [&](PromptKind prompt, OutputKind kind) {
    return output_at(outputs, one, prompt, kind, 0).forced.mean_logprob();
  };
  CHECK(forced(PromptKind::rewrite, OutputKind::forced) == Approx(-1.0));
  CHECK(forced(PromptKind::rewrite, OutputKind::rival) == Approx(-2.0));
  CHECK(forced(PromptKind::paraphrase, OutputKind::forced) == Approx(-1.0));
  CHECK(forced(PromptKind::locality, OutputKind::rival) == Approx(-1.0));
  CHECK(outputs.outputs.size() == 6);
}

TEST_CASE("prompts without a rival are judged by tokens") {
  ZsreRecord record;
  record.number = 3;
  record.request = counterfact_record().request;
  record.locality = {"nq question: who", "Nobody"};
  const std::vector<Case> cases = {case_of(record)};
  CHECK(cases[0].find(PromptKind::locality, 0)->text == "nq question: who?");
  CHECK(cases[0].find(PromptKind::paraphrase, 0)->text == "Avia's capital is");
  CHECK(cases[0].edits[0].id == "zsre/3");
  const std::vector<CaseOutputs> outputs = {
      answering::ask_case(ScoringModel(), lab_prompts(), cases[0], only_probabilities(), {})};
  CHECK(
      output_at(outputs[0], cases[0], PromptKind::locality, OutputKind::forced, 0).forced.tokens ==
      2);
  const auto scores = metrics::probability_scores(judged(cases, outputs));
  CHECK(names_of(scores) ==
        std::vector<std::string>{"efficacy", "paraphrase", "specificity", "harmonic_mean"});
  CHECK(scores[0].value == Approx(0.5));
  CHECK(scores[3].value == Approx(0.5));
}

TEST_CASE("recorded probabilities are refused by field, and by what the dataset has") {
  const auto path = std::filesystem::temp_directory_path() / "probability-outputs.jsonl";
  const std::vector<Case> cases = {case_of(counterfact_record())};
  ZsreRecord question;
  question.number = 1;
  question.request = counterfact_record().request;
  question.locality = {"nq question: who", "Nobody"};
  const auto refusal = [&](const std::string& text, const std::vector<Case>& of) {
    std::ofstream(path) << text;
    return message_of([&] { metrics::read_probability_predictions(path, of, "data.json"); });
  };
  CHECK(refusal(R"({"case_id": 4, "rewrite": [1, 2]})", cases).empty());
  CHECK(contains(refusal(R"({"case_id": 4, "rewrite": [1]})", cases), "/0/rewrite"));
  CHECK(contains(refusal(R"({"case_id": 4, "paraphrase": []})", cases), "/0/rewrite"));
  CHECK(contains(
      refusal(R"({"case_id": 4, "rewrite": [1, 2], "neighborhood": [[1, 2], [1, 2]]})", cases),
      "neighborhood: expected at most 1, found 2"));
  CHECK(contains(refusal(R"({"case_id": 9, "rewrite": [1, 2]})", cases),
                 "9: expected a record of data.json"));
  CHECK(contains(refusal("{\"case_id\": 4, \"rewrite\": [1, 2]}\n{\"case_id\": 4, \"rewrite\": "
                         "[1, 2]}\n",
                         cases),
                 "4: expected once, found twice"));
  CHECK(contains(
      refusal(R"({"number": 1, "rewrite": [3, 2], "paraphrase": [1, 2], "specificity": [0, 1]})",
              {case_of(question)}),
      "not more right than there are"));
  std::filesystem::remove(path);
}

TEST_CASE(
    "CounterFact and zsRE metrics: in a run a record counts only for the prompts that it has") {
  const Case whole = case_of(counterfact_record());
  CounterFactRecord without = counterfact_record();
  without.case_id = 5;
  without.neighborhood.clear();
  const Case bare = case_of(without);
  const CaseOutputs said =
      recorded(whole, R"({"rewrite": [1, 2], "paraphrase": [[1, 2]], "neighborhood": [[2, 1]]})");
  const CaseOutputs less = recorded(bare, R"({"rewrite": [1, 2], "paraphrase": [[1, 2]]})");
  const auto scored = [&](const CaseOutputs* first, const CaseOutputs* second) {
    return std::vector<metrics::ScoredCase>{
        {metrics::judge(whole, first, MatchRule::exact, GoldSide::post), false, {}},
        {metrics::judge(bare, second, MatchRule::exact, GoldSide::post), false, {}}};
  };
  const auto value = [&](const char* metric, const CaseOutputs* first, const CaseOutputs* second) {
    return metrics::total(metrics::case_scores(metric, scored(first, second)).value());
  };
  CHECK(value("counterfact_es", &said, &less).value() == Approx(1.0));
  CHECK(value("counterfact_ns", &said, &less).n == Approx(1.0));
  CHECK(value("counterfact_ns", &said, &less).value() == Approx(1.0));
  // A record that nobody answered is a miss.
  CHECK(value("counterfact_es", &said, nullptr).value() == Approx(0.5));
  // Where nobody was asked, there is no number.
  CHECK_FALSE(metrics::case_scores("counterfact_ns", scored(nullptr, &less)).has_value());
  CHECK_FALSE(metrics::case_scores("counterfact_es", scored(nullptr, nullptr)).has_value());
  // No value case by case, and none of the other format.
  CHECK_FALSE(metrics::case_scores("counterfact_s", scored(&said, &less)).has_value());
  CHECK_FALSE(metrics::case_scores("zsre_efficacy", scored(&said, &less)).has_value());
  // Probabilities know no rule, and no golds of before.
  const auto asked = [&](MatchRule rule, GoldSide side) {
    return metrics::case_scores("counterfact_es",
                                {{metrics::judge(whole, &said, rule, side), false, {}}})
        .has_value();
  };
  CHECK(asked(MatchRule::tokens, GoldSide::post));
  CHECK_FALSE(asked(MatchRule::exact, GoldSide::pre));
}

TEST_CASE(
    "CounterFact and zsRE records: a case with prompts and outputs is stored and reads back") {
  const Case one = case_of(counterfact_record());
  const std::string stored = to_text(runner::case_to_json(one));
  const Case again = runner::case_from_json(stored);
  CHECK(to_text(runner::case_to_json(again)) == stored);
  CHECK(again.find(PromptKind::locality, 0)->text == "The capital of Belmar is");
  CHECK(again.edits.at(0).id == "counterfact/4");
  CHECK(again.edits.at(0).rephrases == counterfact_record().request.rephrases);
}

TEST_CASE("CounterFact contamination: the same prompt with another object contaminates a record") {
  CounterFactRecord sud = counterfact_record(), belmar = sud;
  sud.request.target_new = "Sud";
  belmar.request.subject = "Belmar";
  const Case one = case_of(counterfact_record()), other = case_of(sud), elsewhere = case_of(belmar);
  CHECK_FALSE(protocol::contaminated(one, protocol::edit_pool({&one, &one, &elsewhere})));
  CHECK(protocol::contaminated(one, protocol::edit_pool({&one, &other})));
  const std::vector<Fact> pool =
      answering::facts_of({one.edits[0], other.edits[0], elsewhere.edits[0]});
  const std::vector<Fact> kept = answering::without_contradictions(pool, one);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].object == "Nor");
  CHECK(kept[1].subject == "Belmar");
}

TEST_CASE("ask_case: facts stand above each prompt, each is asked for its own objects") {
  std::vector<std::string> asked;
  const Case one = case_of(counterfact_record());
  const std::vector<Fact> facts = answering::facts_of(one.edits);
  const CaseOutputs outputs =
      answering::ask_case(ListeningModel(asked), lab_prompts(), one, only_probabilities(),
                          [&](const std::string&) { return facts; });
  const std::string above = "Facts: The capital of Avia is Nor.\n";
  CHECK(asked == std::vector<std::string>{
                     above + "The capital of Avia is Nor", above + "The capital of Avia is Old",
                     above + "Avia's capital is Nor", above + "Avia's capital is Old",
                     above + "The capital of Belmar is Fenwick",
                     above + "The capital of Belmar is Nor"});
  // The n-th question was answered with n tokens of -n nats each.
  const auto nats = [&](PromptKind prompt, OutputKind kind) {
    return -outputs_of(outputs, one, prompt, kind).at(0)->forced.mean_logprob();
  };
  CHECK(nats(PromptKind::rewrite, OutputKind::forced) == Approx(1.0));
  CHECK(nats(PromptKind::rewrite, OutputKind::rival) == Approx(2.0));
  CHECK(nats(PromptKind::paraphrase, OutputKind::forced) == Approx(3.0));
  CHECK(nats(PromptKind::paraphrase, OutputKind::rival) == Approx(4.0));
  CHECK(nats(PromptKind::locality, OutputKind::forced) == Approx(5.0));
  CHECK(nats(PromptKind::locality, OutputKind::rival) == Approx(6.0));
}

TEST_CASE("ask_case: the paraphrase is asked as written, the unrelated question with its mark") {
  ZsreRecord record;
  record.number = 3;
  record.request = counterfact_record().request;
  record.locality = {"nq question: who sang it", "Nobody"};
  const Case one = case_of(record);
  std::vector<std::string> asked;
  const CaseOutputs outputs =
      answering::ask_case(ListeningModel(asked), lab_prompts(), one, only_probabilities(), {});
  CHECK(asked == std::vector<std::string>{"The capital of Avia is Nor", "Avia's capital is Nor",
                                          "nq question: who sang it? Nobody"});
  // The n-th question was answered with n tokens of which the first is wrong.
  const auto tokens = [&](PromptKind prompt) {
    return outputs_of(outputs, one, prompt, OutputKind::forced).at(0)->forced.tokens;
  };
  CHECK(tokens(PromptKind::rewrite) == 1);
  CHECK(tokens(PromptKind::paraphrase) == 2);
  CHECK(tokens(PromptKind::locality) == 3);
}
