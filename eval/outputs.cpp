#include "eval/outputs.hpp"

#include "eval/matching.hpp"

#include <fmt/format.h>

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

Json answers_to_json(const std::vector<Answer>& answers) {
  Json list = Json::array();
  for (const Answer& answer : answers) {
    Json one{{"raw", answer.raw}};
    one["answer"] = answer.answer ? Json(*answer.answer) : Json(nullptr);
    if (answer.trace) one["trace"] = trace_to_json(*answer.trace);
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<Answer> answers_from(const JsonView& list) {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    Answer answer{one.at("raw").string(), std::nullopt, std::nullopt};
    if (const auto text = one.find("answer")) answer.answer = text->string();
    if (const auto trace = one.find("trace")) answer.trace = trace_from(*trace);
    answers.push_back(std::move(answer));
  }
  return answers;
}

Json forced_to_json(const std::vector<ForcedScore>& scores) {
  Json list = Json::array();
  for (const ForcedScore& score : scores) {
    list.push_back({{"recalled", score.recalled}, {"logprob", score.logprob}});
  }
  return list;
}

std::vector<ForcedScore> forced_from(const JsonView& list) {
  std::vector<ForcedScore> scores;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    const auto logprob = one.find("logprob");  // null where it was not finite
    scores.push_back({one.at("recalled").boolean(), logprob ? logprob->number() : 0.0});
  }
  return scores;
}

Json gold_to_json(const Gold& gold) { return {{"answer", gold.answer}, {"aliases", gold.aliases}}; }

Gold gold_from(const JsonView& view) {
  return {view.at("answer").string(), view.at("aliases").strings()};
}

Json hops_to_json(const std::vector<Hop>& hops) {
  Json list = Json::array();
  for (const Hop& hop : hops) {
    list.push_back(
        {{"question", hop.question}, {"cloze", hop.cloze}, {"gold", gold_to_json(hop.gold)}});
  }
  return list;
}

std::vector<Hop> hops_from(const JsonView& list) {
  std::vector<Hop> hops;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    hops.push_back(
        {one.at("question").string(), one.at("cloze").string(), gold_from(one.at("gold"))});
  }
  return hops;
}

Json triples_to_json(const std::vector<Triple>& triples) {
  Json list = Json::array();
  for (const Triple& triple : triples) {
    list.push_back(Json::array({triple.subject, triple.relation, triple.object}));
  }
  return list;
}

std::vector<Triple> triples_from(const JsonView& list) {
  std::vector<Triple> triples;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView one = list.at(i);
    triples.push_back({one.at(std::size_t{0}).string(), one.at(std::size_t{1}).string(),
                       one.at(std::size_t{2}).string()});
  }
  return triples;
}

Json rewrite_to_json(const Rewrite& rewrite) {
  return {{"prompt", rewrite.prompt},           {"relation", rewrite.relation},
          {"subject", rewrite.subject},         {"question", rewrite.question},
          {"target_true", rewrite.target_true}, {"target_true_id", rewrite.target_true_id},
          {"target_new", rewrite.target_new},   {"target_new_id", rewrite.target_new_id}};
}

Rewrite rewrite_from(const JsonView& view) {
  return {view.at("prompt").string(),      view.at("relation").string(),
          view.at("subject").string(),     view.at("question").string(),
          view.at("target_true").string(), view.at("target_true_id").string(),
          view.at("target_new").string(),  view.at("target_new_id").string()};
}

// Errors of the reader become the evaluator's own: the text comes from a store, not from a file.
template <class Read>
auto read_stored(const std::string& text, const char* what, Read read) {
  try {
    const Json value = parse_json(text, what);
    return read(JsonView(value, what));
  } catch (const JsonError& error) {
    throw EvalError(fmt::format("reading a stored result: {}", error.what()));
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
    outputs.edit_ids = view.at("edit_ids").strings();
    outputs.failure = view.at("failure").string();
    outputs.edit_seconds = view.at("seconds").at("edit").number();
    outputs.answer_seconds = view.at("seconds").at("answer").number();
    return outputs;
  });
}

Json case_to_json(const MquakeCase& one) {
  Json value{{"case_id", one.case_id}};
  value["rewrites"] = Json::array();
  for (const Rewrite& rewrite : one.rewrites) value["rewrites"].push_back(rewrite_to_json(rewrite));
  value["questions"] = one.questions;
  value["pre"] = gold_to_json(one.pre);
  value["post"] = gold_to_json(one.post);
  value["hops"] = hops_to_json(one.hops);
  value["new_hops"] = hops_to_json(one.new_hops);
  value["triples"] = triples_to_json(one.triples);
  value["new_triples"] = triples_to_json(one.new_triples);
  value["edit_triples"] = triples_to_json(one.edit_triples);
  value["triples_labeled"] = triples_to_json(one.triples_labeled);
  value["new_triples_labeled"] = triples_to_json(one.new_triples_labeled);
  return value;
}

MquakeCase case_from_json(const std::string& text) {
  return read_stored(text, "case", [](const JsonView& view) {
    MquakeCase one;
    one.case_id = view.at("case_id").integer();
    const JsonView rewrites = view.at("rewrites");
    for (std::size_t i = 0; i < rewrites.size(); ++i) {
      one.rewrites.push_back(rewrite_from(rewrites.at(i)));
    }
    one.questions = view.at("questions").strings();
    one.pre = gold_from(view.at("pre"));
    one.post = gold_from(view.at("post"));
    one.hops = hops_from(view.at("hops"));
    one.new_hops = hops_from(view.at("new_hops"));
    one.triples = triples_from(view.at("triples"));
    one.new_triples = triples_from(view.at("new_triples"));
    one.edit_triples = triples_from(view.at("edit_triples"));
    one.triples_labeled = triples_from(view.at("triples_labeled"));
    one.new_triples_labeled = triples_from(view.at("new_triples_labeled"));
    return one;
  });
}

}  // namespace kedit
