#include "eval/evaluate.hpp"

#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/eval/tiny_model.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <sstream>

using namespace kedit;
using namespace kedit::testing;

namespace {

std::vector<Probe> mini_probes() {
  std::vector<Probe> probes;
  for (std::int64_t id = 1; id <= 2; ++id) {
    for (Probe& probe : probes_of(two_hop_case(id))) probes.push_back(std::move(probe));
  }
  return probes;
}

EditDelta fact_delta(const EditedModel& model) {
  EditDelta delta;
  delta.editor = "in-context";
  delta.settings = Json::object();
  delta.base_fingerprint = model.base().fingerprint();
  delta.facts = {{"Person 1", "P27", "Belmar", "Person 1 is a citizen of Belmar"}};
  return delta;
}

}  // namespace

TEST_CASE("probes_of: a case gives probes of its edits and of its questions direct and with CoT") {
  const auto probes = probes_of(two_hop_case(1));
  REQUIRE(probes.size() == 7);
  CHECK(probes[0].kind == "efficacy");
  CHECK(probes[0].text == "Person 1 is a citizen of");
  CHECK(probes[0].accepted.front() == "Belmar");
  CHECK(probes[1].kind == "multi-hop");
  CHECK(probes[2].ask == Ask::cot);
}

TEST_CASE("probes_of: rephrasings of a request become paraphrase probes") {
  EditRequest request;
  request.id = "r1";
  request.prompt = "The capital of {} is";
  request.subject = "Avia";
  request.target_new = "Corun";
  request.rephrases = {"Avia's capital is"};
  const auto probes = probes_of(std::vector<EditRequest>{request});
  REQUIRE(probes.size() == 2);
  CHECK(probes[1].kind == "paraphrase");
  CHECK(probes[1].text == "Avia's capital is");
}

TEST_CASE("evaluate: results are repeatable and scored by what the model answers") {
  const EditedModel model(tiny_model(1));
  std::vector<Probe> probes = mini_probes();
  const Report first = evaluate(model, probes);
  REQUIRE(first.results.size() == probes.size());
  CHECK(first.model == model.base().fingerprint());
  CHECK(first.kinds() == std::vector<std::string>{"efficacy", "multi-hop", "multi-hop CoT"});
  CHECK(std::isnan(first.score("locality")));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (first.results[i].answer.answer) probes[i].accepted = {*first.results[i].answer.answer};
  }
  const Report second = evaluate(model, probes);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    CHECK(second.results[i].answer.raw == first.results[i].answer.raw);
    CHECK(second.results[i].right == first.results[i].answer.answer.has_value());
  }
}

TEST_CASE("evaluate: facts of mounted edits stand in the prompts unless switched off") {
  EditedModel model(tiny_model(1));
  const auto probes = mini_probes();
  const Report before = evaluate(model, probes);
  model.mount("fact", fact_delta(model));
  EvalOptions without;
  without.facts_in_prompt = false;
  const Report kept_out = evaluate(model, probes, without);
  const Report shown = evaluate(model, probes);
  bool differs = false;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    CHECK(kept_out.results[i].answer.raw == before.results[i].answer.raw);
    differs = differs || shown.results[i].answer.raw != before.results[i].answer.raw;
  }
  CHECK(differs);
  model.unmount("fact");
  CHECK(evaluate(model, probes).results[0].answer.raw == before.results[0].answer.raw);
}

TEST_CASE("compare: reports with other probes or another match rule are refused") {
  const EditedModel model(tiny_model(1));
  const auto probes = mini_probes();
  const Report report = evaluate(model, probes);
  const Comparison same = compare(report, report);
  REQUIRE(same.rows.size() == 3);
  CHECK(same.rows[1].n == 6);
  std::ostringstream text;
  write_markdown(text, same);
  CHECK(contains(text.str(), "| multi-hop | 6 | "));
  EvalOptions other;
  other.rule = MatchRule::dotless;
  CHECK_THROWS_AS(compare(report, evaluate(model, probes, other)), EvalError);
  CHECK_THROWS_AS(compare(report, evaluate(model, {probes[0]})), EvalError);
}
