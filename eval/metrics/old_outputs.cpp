#include "eval/metrics/old_outputs.hpp"

#include "eval/metrics/stored_json.hpp"

#include <algorithm>

namespace kedit::metrics {
namespace {

std::vector<Answer> answers_at(const JsonView& view, const char* key) {
  std::vector<Answer> answers;
  const auto list = view.find(key);
  for (std::size_t i = 0; list && i < list->size(); ++i)
    answers.push_back(answer_from(list->at(i)));
  return answers;
}

std::vector<ForcedScore> scores_at(const JsonView& view, const char* key) {
  std::vector<ForcedScore> scores;
  const auto list = view.find(key);
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    scores.push_back(forced_score_from(list->at(i)));
  }
  return scores;
}

// Post-edit hops: the edited ones were asked by cloze, the others by question.
void add_hops(const Case& of, const std::vector<Answer>& hops, CaseOutputs* outputs) {
  if (hops.size() > of.after.size()) {
    throw EvalError(fmt::format("judging case {}: hops: expected at most {}, found {}", of.id,
                                of.after.size(), hops.size()));
  }
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const PromptKind kind = is_edited_hop(of, i) ? PromptKind::hop_cloze : PromptKind::hop_question;
    const auto prompt = of.find(kind, static_cast<std::int64_t>(i)) - of.prompts.data();
    outputs->outputs.push_back({static_cast<std::size_t>(prompt), OutputKind::answer, hops[i], {}});
  }
}

// The old list had an empty place for each edited hop, which nobody was asked.
void add_recall_after(const Case& of, const std::vector<Answer>& said, CaseOutputs* outputs) {
  for (std::size_t i = 0; i < std::min(said.size(), of.after.size()); ++i) {
    if (is_edited_hop(of, i)) continue;
    const auto prompt =
        of.find(PromptKind::hop_question, static_cast<std::int64_t>(i)) - of.prompts.data();
    outputs->outputs.push_back({static_cast<std::size_t>(prompt), OutputKind::recall, said[i], {}});
  }
}

// Only the mean was stored: a score without tokens is its own mean.
ForcedScore with_nll(double nll) {
  ForcedScore score;
  score.logprob = -nll;
  return score;
}

void read_pair(const JsonView& view, const Case& of, std::size_t prompt, CaseOutputs* outputs) {
  const Prompt& asked = of.prompts[prompt];
  if (asked.rival.empty()) {
    outputs->outputs.push_back({prompt, OutputKind::forced, {}, tokens_from(view)});
    return;
  }
  if (view.size() != 2) view.fail("[NLL of the new object, NLL of the true one]");
  const std::size_t gold = asked.kind == PromptKind::locality ? 1 : 0;
  outputs->outputs.push_back({prompt, OutputKind::forced, {}, with_nll(view.at(gold).number())});
  outputs->outputs.push_back({prompt, OutputKind::rival, {}, with_nll(view.at(1 - gold).number())});
}

// One pair stands without brackets around it.
std::vector<JsonView> pairs_of(const JsonView& view, PromptKind kind) {
  if (kind == PromptKind::rewrite) return {view};
  if (view.size() > 0 && !view.value().front().is_array()) return {view};
  std::vector<JsonView> pairs;
  for (std::size_t i = 0; i < view.size(); ++i) pairs.push_back(view.at(i));
  return pairs;
}

void read_pairs(const JsonView& view, const char* key, const Case& of, PromptKind kind,
                CaseOutputs* outputs) {
  const auto found = view.find(key);
  if (!found) return;
  const std::vector<JsonView> pairs = pairs_of(*found, kind);
  if (static_cast<std::int64_t>(pairs.size()) > of.count(kind)) {
    throw EvalError(fmt::format("judging case {}: {}: expected at most {}, found {}", of.id, key,
                                of.count(kind), pairs.size()));
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto prompt = of.find(kind, static_cast<std::int64_t>(i)) - of.prompts.data();
    read_pair(pairs[i], of, static_cast<std::size_t>(prompt), outputs);
  }
}

}  // namespace

ForcedScore tokens_from(const JsonView& pair) {
  ForcedScore score;
  if (pair.size() != 2) pair.fail("[tokens right, tokens]");
  score.matched = pair.at(std::size_t{0}).integer();
  score.tokens = pair.at(std::size_t{1}).integer();
  if (score.tokens < 1 || score.matched < 0 || score.matched > score.tokens) {
    pair.fail("at least one token, and not more right than there are");
  }
  score.recalled = score.matched == score.tokens;
  return score;
}

void read_probabilities(const JsonView& view, const Case& of, CaseOutputs* outputs) {
  view.at("rewrite");  // never absent
  read_pairs(view, "rewrite", of, PromptKind::rewrite, outputs);
  read_pairs(view, "paraphrase", of, PromptKind::paraphrase, outputs);
  read_pairs(view, "neighborhood", of, PromptKind::locality, outputs);
  read_pairs(view, "specificity", of, PromptKind::locality, outputs);
}

void read_old_outputs(const JsonView& view, const Case& of, CaseOutputs* outputs) {
  const auto answers = [&](const char* key, const char* what, PromptKind prompt, OutputKind kind) {
    add_outputs(of, prompt, kind, what, answers_at(view, key), outputs);
  };
  const auto scores = [&](const char* key, PromptKind prompt) {
    add_outputs(of, prompt, OutputKind::forced, key, scores_at(view, key), outputs);
  };
  answers("edits", "edits", PromptKind::edit, OutputKind::answer);
  scores("forced", PromptKind::edit);
  add_hops(of, answers_at(view, "hops"), outputs);
  answers("direct", "preds", PromptKind::question, OutputKind::answer);
  scores("direct_forced", PromptKind::question);
  answers("cot", "cot", PromptKind::question, OutputKind::thoughts);
  answers("probe_clozes", "probe_clozes", PromptKind::hop_cloze, OutputKind::probe);
  answers("probe_questions", "probe_questions", PromptKind::hop_question, OutputKind::probe);
  answers("recall", "recall", PromptKind::old_hop_question, OutputKind::recall);
  add_recall_after(of, answers_at(view, "recall_new"), outputs);
  for (const char* format : {"counterfact", "zsre"}) {
    if (const auto found = view.find(format)) read_probabilities(*found, of, outputs);
  }
}

}  // namespace kedit::metrics
