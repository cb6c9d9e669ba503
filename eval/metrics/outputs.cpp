#include "eval/metrics/outputs.hpp"

#include "eval/metrics/probability_metrics.hpp"
#include "eval/metrics/stored_json.hpp"

#include <array>

namespace kedit {
namespace {

Json trace_to_json(const Trace& trace) {
  Json steps = Json::array();
  for (const TraceStep& step : trace) {
    steps.push_back(
        {{"question", step.question}, {"answer", step.answer}, {"source", step.source}});
  }
  return steps;
}

Trace trace_from(const JsonView& steps) {
  Trace trace;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const JsonView step = steps.at(i);
    trace.push_back(
        {step.at("question").string(), step.at("answer").string(), step.at("source").string()});
  }
  return trace;
}

Json answer_to_json(const Answer& answer) {
  Json one{{"raw", answer.raw}};
  one["answer"] = answer.answer ? Json(*answer.answer) : Json(nullptr);
  if (answer.trace) one["trace"] = trace_to_json(*answer.trace);
  return one;
}

Json answers_to_json(const std::vector<Answer>& answers) {
  Json list = Json::array();
  for (const Answer& answer : answers) list.push_back(answer_to_json(answer));
  return list;
}

Answer answer_from(const JsonView& view) {
  Answer answer{view.at("raw").string(), std::nullopt, std::nullopt};
  if (const auto text = view.find("answer")) answer.answer = text->string();
  if (const auto trace = view.find("trace")) answer.trace = trace_from(*trace);
  return answer;
}

std::vector<Answer> answers_from(const JsonView& list) {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < list.size(); ++i) answers.push_back(answer_from(list.at(i)));
  return answers;
}

Json forced_to_json(const ForcedScore& score) {
  return {{"recalled", score.recalled},
          {"logprob", score.logprob},
          {"tokens", score.tokens},
          {"matched", score.matched},
          {"lowest", score.lowest}};
}

Json forced_to_json(const std::vector<ForcedScore>& scores) {
  Json list = Json::array();
  for (const ForcedScore& score : scores) list.push_back(forced_to_json(score));
  return list;
}

// A number that was not finite is stored as null.
double number_or_zero(const JsonView& view, const char* key) {
  const auto field = view.find(key);
  return field ? field->number() : 0.0;
}

std::int64_t integer_or_zero(const JsonView& view, const char* key) {
  const auto field = view.find(key);
  return field ? field->integer() : 0;
}

ForcedScore forced_score_from(const JsonView& view) {
  return {view.at("recalled").boolean(), number_or_zero(view, "logprob"),
          integer_or_zero(view, "tokens"), integer_or_zero(view, "matched"),
          number_or_zero(view, "lowest")};
}

std::vector<ForcedScore> forced_from(const JsonView& list) {
  std::vector<ForcedScore> scores;
  for (std::size_t i = 0; i < list.size(); ++i) scores.push_back(forced_score_from(list.at(i)));
  return scores;
}

Json neighbour_to_json(const NeighbourOutput& one) {
  Json value{{"edit", one.edit}, {"subject", one.subject}, {"relation", one.relation}};
  value["gold"] = gold_to_json(one.gold);
  value["edited_by_case"] = one.edited_by_case;
  value["edited_by_file"] = one.edited_by_file;
  value["cloze_before"] = answer_to_json(one.cloze_before);
  value["cloze"] = answer_to_json(one.cloze);
  value["question_before"] = answer_to_json(one.question_before);
  value["question"] = answer_to_json(one.question);
  value["gold_before"] = forced_to_json(one.gold_before);
  value["gold_after"] = forced_to_json(one.gold_after);
  value["target_after"] = forced_to_json(one.target_after);
  if (one.kept_after) value["kept_after"] = *one.kept_after;
  return value;
}

NeighbourOutput neighbour_from(const JsonView& view) {
  NeighbourOutput one;
  one.edit = view.at("edit").integer();
  one.subject = view.at("subject").string();
  one.relation = view.at("relation").string();
  one.gold = gold_from(view.at("gold"));
  one.edited_by_case = view.at("edited_by_case").boolean();
  one.edited_by_file = view.at("edited_by_file").boolean();
  one.cloze_before = answer_from(view.at("cloze_before"));
  one.cloze = answer_from(view.at("cloze"));
  one.question_before = answer_from(view.at("question_before"));
  one.question = answer_from(view.at("question"));
  one.gold_before = forced_score_from(view.at("gold_before"));
  one.gold_after = forced_score_from(view.at("gold_after"));
  one.target_after = forced_score_from(view.at("target_after"));
  if (const auto kept = view.find("kept_after")) one.kept_after = kept->number();
  return one;
}

// Forms of asking that came later, or that few runs ask for, take no room where they are absent.
using AnswerList = std::vector<Answer> CaseOutputs::*;
constexpr std::array<std::pair<const char*, AnswerList>, 4> kOptionalAnswers = {{
    {"probe_clozes", &CaseOutputs::probe_clozes},
    {"probe_questions", &CaseOutputs::probe_questions},
    {"recall", &CaseOutputs::recall},
    {"recall_new", &CaseOutputs::recall_new},
}};

void put_optional_outputs(Json& value, const CaseOutputs& outputs) {
  for (const auto& [key, list] : kOptionalAnswers) {
    if (!(outputs.*list).empty()) value[key] = answers_to_json(outputs.*list);
  }
  if (!outputs.direct_forced.empty()) {
    value["direct_forced"] = forced_to_json(outputs.direct_forced);
  }
  if (outputs.counterfact) value["counterfact"] = to_json(*outputs.counterfact);
  if (outputs.zsre) value["zsre"] = to_json(*outputs.zsre);
  if (outputs.neighbours.empty()) return;
  value["neighbours"] = Json::array();
  for (const NeighbourOutput& one : outputs.neighbours) {
    value["neighbours"].push_back(neighbour_to_json(one));
  }
}

void read_optional_outputs(const JsonView& view, CaseOutputs& outputs) {
  for (const auto& [key, list] : kOptionalAnswers) {
    if (const auto found = view.find(key)) outputs.*list = answers_from(*found);
  }
  if (const auto forced = view.find("direct_forced")) outputs.direct_forced = forced_from(*forced);
  if (const auto one = view.find("counterfact")) {
    outputs.counterfact = counterfact_outputs_from(*one);
  }
  if (const auto one = view.find("zsre")) outputs.zsre = zsre_outputs_from(*one);
  const auto neighbours = view.find("neighbours");
  for (std::size_t i = 0; neighbours && i < neighbours->size(); ++i) {
    outputs.neighbours.push_back(neighbour_from(neighbours->at(i)));
  }
}

}  // namespace

Json to_json(const CaseOutputs& outputs) {
  Json value{{"case_id", outputs.case_id}, {"group", outputs.group}};
  value["edits"] = answers_to_json(outputs.edits);
  value["forced"] = forced_to_json(outputs.forced);
  value["hops"] = answers_to_json(outputs.hops);
  value["direct"] = answers_to_json(outputs.direct);
  value["cot"] = answers_to_json(outputs.cot);
  put_optional_outputs(value, outputs);
  value["edit_ids"] = outputs.edit_ids;
  value["failure"] = outputs.failure;
  value["seconds"] = {{"edit", outputs.edit_seconds}, {"answer", outputs.answer_seconds}};
  return value;
}

CaseOutputs case_outputs_from_json(const std::string& text) {
  return read_stored(text, "outputs", [](const JsonView& view) {
    CaseOutputs outputs;
    outputs.case_id = view.at("case_id").integer();
    outputs.group = view.at("group").integer();
    outputs.edits = answers_from(view.at("edits"));
    outputs.forced = forced_from(view.at("forced"));
    outputs.hops = answers_from(view.at("hops"));
    outputs.direct = answers_from(view.at("direct"));
    outputs.cot = answers_from(view.at("cot"));
    read_optional_outputs(view, outputs);
    outputs.edit_ids = view.at("edit_ids").strings();
    outputs.failure = view.at("failure").string();
    outputs.edit_seconds = view.at("seconds").at("edit").number();
    outputs.answer_seconds = view.at("seconds").at("answer").number();
    return outputs;
  });
}

}  // namespace kedit
