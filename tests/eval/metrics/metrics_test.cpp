#include "eval/metrics/metrics.hpp"

#include "eval/runner/case_json.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace kedit;
using namespace kedit::testing;

namespace {

struct World {
  std::vector<Case> cases;
  std::vector<CaseOutputs> outputs;

  std::vector<metrics::ScoredCase> scored(MatchRule rule = MatchRule::exact,
                                          GoldSide side = GoldSide::post) const {
    std::vector<metrics::ScoredCase> list;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const CaseOutputs* said = i < outputs.size() ? &outputs[i] : nullptr;
      list.push_back({metrics::judge(cases[i], said, rule, side), false, {}});
    }
    return list;
  }
  metrics::Score score(const std::string& metric, GoldSide side = GoldSide::post) const {
    const auto scores = metrics::case_scores(metric, scored(MatchRule::exact, side));
    REQUIRE(scores.has_value());
    return metrics::total(*scores);
  }
};

World two_oracles() {
  World world;
  world.cases = {two_hop_case(1), two_hop_case(2)};
  for (const Case& one : world.cases) world.outputs.push_back(oracle_outputs(one));
  return world;
}

}  // namespace

TEST_CASE("Metrics: an oracle on the post-edit chain scores 100 percent in every metric") {
  const World world = two_oracles();
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    CAPTURE(info.name);
    CHECK_FALSE(info.origin.empty());
    if (info.basis == metrics::MetricBasis::probabilities) continue;  // no prompt is judged so
    const bool by_tokens = info.name.find("_tokens") != std::string::npos;
    const MatchRule rule = by_tokens ? MatchRule::tokens : MatchRule::exact;
    const auto scores = metrics::case_scores(info.name, world.scored(rule));
    REQUIRE(scores.has_value());
    CHECK(metrics::total(*scores).value() == Approx(1.0));
  }
}

TEST_CASE("Metrics: an oracle has an old-answer rate of zero") {
  const World world = two_oracles();
  for (const metrics::MetricInfo& info : metrics::known_metrics()) {
    if (!info.has_old_side || info.name == "hop_count" || info.name == "hop_sub") continue;
    CAPTURE(info.name);
    CHECK(world.score(info.name, GoldSide::pre).hit == 0.0);
  }
}

TEST_CASE("Multi-hop accuracy: any and first and mean and all score the same answers differently") {
  World world = two_oracles();
  put_direct(world.outputs[0], world.cases[0], {said("wrong"), said("Old Corun"), said("Corun")});
  put_direct(world.outputs[1], world.cases[1], {said("Dorel"), said("x"), said("y")});
  CHECK(world.score("multi_hop_any").value() == Approx(0.5));
  CHECK(world.score("multi_hop_first").value() == Approx(0.0));
  CHECK(world.score("multi_hop_mean").value() == Approx(1.0 / 3.0));
  CHECK(world.score("multi_hop_all").value() == Approx(0.0));
  CHECK(world.score("multi_hop_any", GoldSide::pre).value() == Approx(0.5));
  CHECK(world.score("cot_any").value() == Approx(1.0));
}

TEST_CASE("Multi-hop accuracy: questions without an answer count as wrong in mean and all") {
  World world = two_oracles();
  put_direct(world.outputs[0], world.cases[0], {said("Corun")});
  CHECK(world.score("multi_hop_any").hit == 2.0);
  CHECK(world.score("multi_hop_mean").hit == Approx(4.0 / 3.0));
  CHECK(world.score("multi_hop_all").hit == 1.0);
}

TEST_CASE("Edit-wise accuracy: edits are counted and duplicates once in edit_wise_unique") {
  World world = two_oracles();
  world.cases.push_back(capital_case(3));
  world.cases.push_back(capital_case(4));  // the same edit as case 3
  world.outputs.push_back(oracle_outputs(world.cases[2]));
  world.outputs.push_back(oracle_outputs(world.cases[3]));
  put(world.outputs[3], world.cases[3], PromptKind::edit, OutputKind::answer, {said("Corun")});
  output_at(world.outputs[3], world.cases[3], PromptKind::edit, OutputKind::forced, 0)
      .forced.recalled = false;
  CHECK(world.score("edit_wise").hit == 3.0);
  CHECK(world.score("edit_wise").n == 4.0);
  CHECK(world.score("edit_wise_unique").n == Approx(3.0));
  CHECK(world.score("edit_wise_unique").hit == Approx(2.5));
  CHECK(world.score("edit_wise_forced").value() == Approx(0.75));
  CHECK(world.score("edit_wise", GoldSide::pre).hit == 1.0);
}

TEST_CASE("Edit-wise accuracy: an alias of the new object is right") {
  World world = two_oracles();
  put(world.outputs[0], world.cases[0], PromptKind::edit, OutputKind::answer, {said("Belmaria")});
  CHECK(world.score("edit_wise").value() == Approx(1.0));
}

TEST_CASE("Instance-wise accuracy: every hop of the chain must be right") {
  World world = two_oracles();
  output_at(world.outputs[0], world.cases[0], PromptKind::hop_question, OutputKind::answer, 1)
      .said = said("Dorel");
  CHECK(world.score("instance_wise").value() == Approx(0.5));
}

TEST_CASE(
    "Hop accuracies: hop_joint and hop_path and hop_count and hop_sub judge the reasoning path") {
  World world = two_oracles();
  world.cases.resize(1);
  world.outputs.resize(1);
  const Trace right = {{"q", "Belmar", ""}, {"q", "Corun", ""}};
  const Trace half = {{"q", "Avia", ""}, {"q", "Corun", ""}};
  const Trace longer = {{"q", "Belmar", ""}, {"q", "Corun", ""}, {"q", "x", ""}};
  struct Row {
    Trace trace;
    std::string answer;
    double joint, path, count, sub;
  };
  const auto row = GENERATE_COPY(values<Row>({
      {right, "Corun", 1, 1, 1, 1},
      {right, "Dorel", 0, 1, 1, 1},
      {half, "Corun", 0, 0, 1, 0.5},
      {longer, "Corun", 0, 0, 0, 1},
      {{}, "Corun", 0, 0, 0, 0},
  }));
  put_cot(world.outputs[0], world.cases[0],
          {reasoned("x", {}), reasoned(row.answer, row.trace), reasoned("x", {})});
  CHECK(world.score("hop_joint").hit == row.joint);
  CHECK(world.score("hop_path").hit == row.path);
  CHECK(world.score("hop_count").hit == row.count);
  CHECK(world.score("hop_sub").hit == Approx(row.sub));
}

TEST_CASE(
    "H-Joint: a right answer with a wrong path does not hide a right one to another question") {
  World world = two_oracles();
  world.cases.resize(1);
  world.outputs.resize(1);
  put_cot(world.outputs[0], world.cases[0],
          {reasoned("Corun", {{"q", "Corun", ""}}),
           reasoned("Old Corun", {{"q", "Belmaria", ""}, {"q", "Corun", ""}}), reasoned("x", {})});
  CHECK(world.score("hop_joint").hit == 1.0);
}

TEST_CASE("Hop accuracies: each is bounded by the metrics that it implies") {
  World world = two_oracles();
  output_at(world.outputs[0], world.cases[0], PromptKind::question, OutputKind::thoughts, 0).said =
      reasoned("x", {{"q", "Belmar", ""}, {"q", "Corun", ""}});
  put_cot(
      world.outputs[1], world.cases[1],
      {reasoned("Corun", {}), reasoned("x", {{"q", "a", ""}, {"q", "b", ""}}), reasoned("y", {})});
  CHECK(world.score("hop_joint").hit <= world.score("hop_path").hit);
  CHECK(world.score("hop_path").hit <= world.score("hop_count").hit);
  CHECK(world.score("hop_joint").hit <= world.score("cot_any").hit);
  CHECK(world.score("cot_any").hit >= world.score("cot_mean").hit);
  CHECK(world.score("cot_mean").hit >= world.score("cot_all").hit);
}

TEST_CASE("Metrics: a metric without outputs is left out and a case without outputs is a miss") {
  World world = two_oracles();
  for (std::size_t i = 0; i < 2; ++i) {
    drop(world.outputs[i], world.cases[i], PromptKind::question, OutputKind::thoughts);
  }
  CHECK_FALSE(metrics::case_scores("cot_any", world.scored()).has_value());
  CHECK_FALSE(metrics::case_scores("hop_joint", world.scored()).has_value());
  world.outputs.resize(1);
  CHECK(world.score("multi_hop_any").hit == 1.0);
  CHECK(world.score("multi_hop_any").n == 2.0);
  CHECK(world.score("edit_wise").n == 2.0);
}

TEST_CASE("Metrics: more outputs than a case has questions are refused") {
  const Case one = two_hop_case(1);
  CaseOutputs outputs;
  CHECK(contains(message_of([&] {
                   add_outputs(one, PromptKind::question, OutputKind::answer, "preds",
                               std::vector<Answer>(4, said("x")), &outputs);
                 }),
                 "case 1: preds: expected at most 3, found 4"));
  outputs.outputs = {{one.prompts.size(), OutputKind::answer, said("x"), {}}};
  CHECK(
      contains(message_of([&] { metrics::judge(one, &outputs, MatchRule::exact, GoldSide::post); }),
               "judging case 1: expected an output of one of its"));
}

TEST_CASE("Breakdowns: buckets contain every case once") {
  const World world = two_oracles();
  auto cases = world.scored();
  cases[1].contaminated = true;
  for (const std::string& breakdown : metrics::known_breakdowns()) {
    if (breakdown == "recall") continue;  // nobody was asked
    double hit = 0.0;
    std::size_t count = 0;
    for (const metrics::Bucket& bucket : metrics::buckets_of(cases, breakdown)) {
      count += bucket.cases.size();
      hit += metrics::total(*metrics::case_scores("multi_hop_any", bucket.cases)).hit;
    }
    CHECK(count == cases.size());
    CHECK(hit == metrics::total(*metrics::case_scores("multi_hop_any", cases)).hit);
  }
  CHECK(metrics::buckets_of(cases, "contaminated").front().name == "clean");
}

TEST_CASE("H-Probe: clozes and questions of all hops are averaged") {
  World world = two_oracles();
  output_at(world.outputs[0], world.cases[0], PromptKind::hop_cloze, OutputKind::probe, 1).said =
      said("x");
  put(world.outputs[1], world.cases[1], PromptKind::hop_question, OutputKind::probe,
      {said("x"), said("y")});
  CHECK(world.score("hop_probe").hit == Approx(0.75 + 0.5));
  CHECK(world.score("hop_probe").n == 2.0);
}

TEST_CASE("Match rule M6: forced tokens are counted in token metrics and in no other metric") {
  World world = two_oracles();
  output_at(world.outputs[0], world.cases[0], PromptKind::question, OutputKind::forced, 0)
      .forced = {false, -3.0, 4, 1, -2.0};
  const auto scores = metrics::case_scores("multi_hop_tokens", world.scored(MatchRule::tokens));
  REQUIRE(scores.has_value());
  CHECK(metrics::total(*scores).hit == Approx(1.0 + (0.25 + 1.0 + 1.0) / 3.0));
  CHECK_FALSE(metrics::case_scores("multi_hop_any", world.scored(MatchRule::tokens)).has_value());
  CHECK_FALSE(metrics::case_scores("multi_hop_tokens", world.scored()).has_value());
}

TEST_CASE("recall_of: pre_known and rest_known tell which hops the unedited model knew") {
  const Case one = two_hop_case(1);
  CaseOutputs unedited;
  CHECK_FALSE(metrics::recall_of(one, unedited).rest_known.has_value());
  put(unedited, one, PromptKind::old_hop_question, OutputKind::recall,
      {said("Avia"), said("City of Dorel")});
  put(unedited, one, PromptKind::hop_question, OutputKind::recall, {Answer{}, said("Old Corun")});
  unedited.outputs.erase(unedited.outputs.begin() + 2);  // the first hop is edited: not asked
  CHECK(metrics::recall_of(one, unedited).pre_known == true);
  CHECK(metrics::recall_of(one, unedited).rest_known == true);
  unedited.outputs[0].said = said("Belmar");
  unedited.outputs[2].said = said("Dorel");
  CHECK(metrics::recall_of(one, unedited).pre_known == false);
  CHECK(metrics::recall_of(one, unedited).rest_known == false);
}

TEST_CASE("answers that the file adds count before the edits only, aliases or not") {
  MquakeCase record = two_hop_record(1);
  record.answer_extended = {"Dorel upon Sea"};
  const Case one = case_of(record);
  const Prompt& question = *one.find(PromptKind::question, 0);
  CHECK(matches("Dorel upon Sea", gold_of(question, GoldSide::pre), MatchRule::exact));
  CHECK_FALSE(matches("Dorel upon Sea", gold_of(question, GoldSide::post), MatchRule::exact));
  // A case that stays unedited is asked for what answered before.
  CHECK(matches("Dorel upon Sea", as_unedited(one).find(PromptKind::question, 0)->gold,
                MatchRule::exact));
}

TEST_CASE("Breakdowns: cases are split by edited positions and last relation and recall") {
  const World world = two_oracles();
  auto cases = world.scored();
  CHECK(metrics::buckets_of(cases, "positions").front().name == "1");
  CHECK(metrics::buckets_of(cases, "last_relation").front().name == "P36");
  CHECK(metrics::buckets_of(cases, "recall").empty());
  cases[0].recall.rest_known = true;
  cases[1].recall.rest_known = false;
  CHECK(metrics::buckets_of(cases, "recall").size() == 2);
}

TEST_CASE("Metrics: an unknown metric is refused with the nearest name") {
  CHECK(contains(message_of([] { metrics::metric_info("multi_hop_ani"); }),
                 "did you mean multi_hop_any?"));
}

TEST_CASE("Metrics: the order of aliases and cases changes no score") {
  World world = two_oracles();
  put_direct(world.outputs[0], world.cases[0], {said("x"), said("Old Corun"), said("y")});
  const double before = world.score("multi_hop_any").hit;
  std::reverse(world.cases.begin(), world.cases.end());
  std::reverse(world.outputs.begin(), world.outputs.end());
  for (Case& one : world.cases) {
    for (Prompt& prompt : one.prompts) {
      std::reverse(prompt.gold.aliases.begin(), prompt.gold.aliases.end());
    }
  }
  CHECK(world.score("multi_hop_any").hit == before);
}

TEST_CASE("Case outputs: stored outputs and cases read back equal") {
  MquakeCase record = two_hop_record(9);
  record.answer_extended = {"Dorel upon Sea"};
  const Case one = case_of(record);
  CaseOutputs outputs = oracle_outputs(one);
  outputs.group = 3;
  outputs.failure = "no \"subject\"\n";
  outputs.edit_ids = {"abc"};
  output_at(outputs, one, PromptKind::question, OutputKind::answer, 1).said.answer.reset();
  put(outputs, one, PromptKind::old_hop_question, OutputKind::recall, {said("Avia"), Answer{}});
  NeighbourOutput other;
  other.subject = "Person 9";
  other.relation = "P106";
  other.gold = {"baker", {"bread maker"}};
  other.cloze = said("baker");
  other.gold_after = {true, -0.5, 2, 2, -0.4};
  other.kept_after = -1.5;
  outputs.neighbours = {other};
  const std::string text = to_text(to_json(outputs, one));
  const std::string stored = to_text(runner::case_to_json(one));
  const Case same = runner::case_from_json(stored);
  CHECK(to_text(runner::case_to_json(same)) == stored);
  const CaseOutputs back = case_outputs_from_json(text, same);
  CHECK(to_text(to_json(back, same)) == text);
  CHECK_FALSE(direct_at(back, same, 1).answer.has_value());
  const auto trace = [&](const CaseOutputs& from) {
    return output_at(from, one, PromptKind::question, OutputKind::thoughts, 0).said.trace;
  };
  CHECK((trace(back) == trace(outputs)));
}

TEST_CASE("stored outputs and cases that are not what a version writes are refused") {
  const Case one = two_hop_case(9);
  CHECK(contains(message_of([&] { case_outputs_from_json("{\"case_id\": \"x\"}", one); }),
                 "reading a stored result"));
  Json outputs = to_json(oracle_outputs(one), one);
  outputs["outputs"][0]["prompt"] = "edit/7";
  CHECK(contains(message_of([&] { case_outputs_from_json(to_text(outputs), one); }),
                 "/outputs/0/prompt: expected a prompt of case 9"));
  outputs["version"] = 3;
  CHECK(contains(message_of([&] { case_outputs_from_json(to_text(outputs), one); }), "/version"));
  Json stored = runner::case_to_json(one);
  stored["prompts"][1]["place"] = 5;
  CHECK(contains(message_of([&] { runner::case_from_json(to_text(stored)); }), "/prompts/1/place"));
}
