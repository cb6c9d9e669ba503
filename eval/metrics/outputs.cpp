#include "eval/metrics/outputs.hpp"

#include "eval/metrics/old_outputs.hpp"
#include "eval/metrics/stored_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace kedit {
namespace {

constexpr std::int64_t kOutputsVersion = 2;

Json trace_to_json(const Trace& trace) {
  Json steps = Json::array();
  for (const TraceStep& step : trace) {
    steps.push_back(
        {{"question", step.question}, {"answer", step.answer}, {"source", step.source}});
  }
  return steps;
}

Json answer_to_json(const Answer& answer) {
  Json one{{"raw", answer.raw}};
  one["answer"] = answer.answer ? Json(*answer.answer) : Json(nullptr);
  if (answer.trace) one["trace"] = trace_to_json(*answer.trace);
  return one;
}

Json forced_to_json(const ForcedScore& score) {
  return {{"recalled", score.recalled},
          {"logprob", score.logprob},
          {"tokens", score.tokens},
          {"matched", score.matched},
          {"lowest", score.lowest}};
}

Json neighbour_to_json(const NeighbourOutput& one) {
  Json value{{"edit", one.edit}, {"subject", one.subject}, {"relation", one.relation}};
  value["gold"] = metrics::gold_to_json(one.gold);
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
  one.gold = metrics::gold_from(view.at("gold"));
  one.edited_by_case = view.at("edited_by_case").boolean();
  one.edited_by_file = view.at("edited_by_file").boolean();
  one.cloze_before = metrics::answer_from(view.at("cloze_before"));
  one.cloze = metrics::answer_from(view.at("cloze"));
  one.question_before = metrics::answer_from(view.at("question_before"));
  one.question = metrics::answer_from(view.at("question"));
  one.gold_before = metrics::forced_score_from(view.at("gold_before"));
  one.gold_after = metrics::forced_score_from(view.at("gold_after"));
  one.target_after = metrics::forced_score_from(view.at("target_after"));
  if (const auto kept = view.find("kept_after")) one.kept_after = kept->number();
  return one;
}

// "hop_cloze/1": kinds and places, not indices, so that a later version may order prompts anew.
std::string prompt_key(const Prompt& prompt) {
  return fmt::format("{}/{}", to_string(prompt.kind), prompt.place);
}

std::size_t prompt_from(const JsonView& view, const Case& of) {
  const std::string key = view.string();
  const std::size_t slash = std::min(key.rfind('/'), key.size());
  PromptKind kind{};
  const bool known = parse_prompt_kind(key.substr(0, slash), &kind);
  for (std::size_t i = 0; known && i < of.prompts.size(); ++i) {
    if (of.prompts[i].kind == kind && prompt_key(of.prompts[i]) == key) return i;
  }
  view.fail(fmt::format("a prompt of case {}", of.id));
}

Json output_to_json(const Output& output, const Case& of) {
  Json one{{"prompt", prompt_key(of.prompts.at(output.prompt))}};
  for (const auto& [kind, name] : kOutputKinds) {
    if (kind == output.kind) one["kind"] = name;
  }
  one.update(is_forced(output.kind) ? forced_to_json(output.forced) : answer_to_json(output.said));
  return one;
}

Output output_from(const JsonView& view, const Case& of) {
  Output output;
  output.prompt = prompt_from(view.at("prompt"), of);
  const std::string name = view.at("kind").string();
  const auto kind = std::find_if(kOutputKinds.begin(), kOutputKinds.end(),
                                 [&](const auto& one) { return one.second == name; });
  if (kind == kOutputKinds.end()) view.at("kind").fail("a way of asking");
  output.kind = kind->first;
  if (is_forced(output.kind)) {
    output.forced = metrics::forced_score_from(view);
  } else {
    output.said = metrics::answer_from(view);
  }
  return output;
}

// What is not a number is written as null.
Json text_scores_to_json(const TextScores& scores) {
  Json value = Json::object();
  if (scores.ngram_entropy) value["ngram_entropy"] = *scores.ngram_entropy;
  if (scores.reference_score) value["reference_score"] = *scores.reference_score;
  if (scores.essence_score) value["essence_score"] = *scores.essence_score;
  return value;
}

TextScores text_scores_from(const JsonView& view) {
  const auto score = [&](const char* key) -> std::optional<double> {
    if (!view.value().contains(key)) return std::nullopt;
    const auto number = view.find(key);
    return number ? number->number() : std::numeric_limits<double>::quiet_NaN();
  };
  return {score("ngram_entropy"), score("reference_score"), score("essence_score")};
}

void read_rest(const JsonView& view, CaseOutputs& outputs) {
  outputs.case_id = view.at("case_id").integer();
  outputs.group = view.at("group").integer();
  const auto neighbours = view.find("neighbours");
  for (std::size_t i = 0; neighbours && i < neighbours->size(); ++i) {
    outputs.neighbours.push_back(neighbour_from(neighbours->at(i)));
  }
  if (const auto texts = view.find("texts")) outputs.texts = text_scores_from(*texts);
  outputs.edit_ids = view.at("edit_ids").strings();
  outputs.failure = view.at("failure").string();
  outputs.edit_seconds = view.at("seconds").at("edit").number();
  outputs.answer_seconds = view.at("seconds").at("answer").number();
}

// Prompts of a kind stand together, in order of their places.
template <class Item, class Put>
void add_to_prompts(const Case& of, PromptKind kind, std::string_view what,
                    const std::vector<Item>& items, CaseOutputs* outputs, Put put) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < of.prompts.size() && next < items.size(); ++i) {
    if (of.prompts[i].kind != kind) continue;
    outputs->outputs.push_back(put(i, items[next]));
    ++next;
  }
  if (next == items.size()) return;
  throw EvalError(fmt::format("judging case {}: {}: expected at most {}, found {}", of.id, what,
                              of.count(kind), items.size()));
}

}  // namespace

const Output* find_output(const CaseOutputs& outputs, std::size_t prompt, OutputKind kind) {
  const auto found =
      std::find_if(outputs.outputs.begin(), outputs.outputs.end(),
                   [&](const Output& one) { return one.prompt == prompt && one.kind == kind; });
  return found == outputs.outputs.end() ? nullptr : &*found;
}

std::vector<const Output*> outputs_of(const CaseOutputs& outputs, const Case& of, PromptKind prompt,
                                      OutputKind kind) {
  std::vector<const Output*> found;
  for (const Output& one : outputs.outputs) {
    if (one.kind == kind && of.prompts.at(one.prompt).kind == prompt) found.push_back(&one);
  }
  return found;
}

void add_outputs(const Case& of, PromptKind prompt, OutputKind kind, std::string_view what,
                 std::vector<Answer> said, CaseOutputs* outputs) {
  add_to_prompts(of, prompt, what, said, outputs, [&](std::size_t at, const Answer& one) {
    return Output{at, kind, one, {}};
  });
}

void add_outputs(const Case& of, PromptKind prompt, OutputKind kind, std::string_view what,
                 const std::vector<ForcedScore>& scores, CaseOutputs* outputs) {
  add_to_prompts(of, prompt, what, scores, outputs, [&](std::size_t at, const ForcedScore& one) {
    return Output{at, kind, {}, one};
  });
}

Json to_json(const CaseOutputs& outputs, const Case& of) {
  Json value{{"version", kOutputsVersion},
             {"case_id", outputs.case_id},
             {"group", outputs.group},
             {"outputs", Json::array()}};
  for (const Output& one : outputs.outputs) value["outputs"].push_back(output_to_json(one, of));
  if (!outputs.neighbours.empty()) {
    value["neighbours"] = Json::array();
    for (const NeighbourOutput& one : outputs.neighbours) {
      value["neighbours"].push_back(neighbour_to_json(one));
    }
  }
  if (!(outputs.texts == TextScores{})) value["texts"] = text_scores_to_json(outputs.texts);
  value["edit_ids"] = outputs.edit_ids;
  value["failure"] = outputs.failure;
  value["seconds"] = {{"edit", outputs.edit_seconds}, {"answer", outputs.answer_seconds}};
  return value;
}

CaseOutputs case_outputs_from_json(const std::string& text, const Case& of) {
  return metrics::read_stored(text, "outputs", [&](const JsonView& view) {
    CaseOutputs outputs;
    read_rest(view, outputs);
    if (!view.has("version")) {
      metrics::read_old_outputs(view, of, &outputs);
      return outputs;
    }
    if (view.at("version").integer() != kOutputsVersion) {
      view.at("version").fail(fmt::format("{}, this program's version", kOutputsVersion));
    }
    const JsonView list = view.at("outputs");
    for (std::size_t i = 0; i < list.size(); ++i) {
      outputs.outputs.push_back(output_from(list.at(i), of));
    }
    return outputs;
  });
}

}  // namespace kedit
