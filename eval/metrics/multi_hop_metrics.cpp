// Edit-wise, instance-wise, multi-hop, chain of thought, and the hop accuracies.
#include "eval/metrics/metric_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::metrics {
namespace {

double count_true(const std::vector<bool>& verdicts) {
  return static_cast<double>(std::count(verdicts.begin(), verdicts.end(), true));
}

// Each prompt of a kind counts as much as any other of any case.
Measured each(const JudgedCase& one, PromptKind prompt, OutputKind kind) {
  const std::vector<bool> verdicts = verdicts_of(one, prompt, kind);
  return {count_true(verdicts), static_cast<double>(one.of->count(prompt)), !verdicts.empty()};
}

// zsRE tells no old object.
bool has_gold(const JudgedCase& one) {
  return std::any_of(one.outputs.begin(), one.outputs.end(), [&](const JudgedOutput& judged) {
    return judged.prompt->kind == PromptKind::edit &&
           !gold_of(*judged.prompt, one.side).answer.empty();
  });
}

Measured edit_wise(const JudgedCase& one) {
  Measured edits = each(one, PromptKind::edit, OutputKind::answer);
  edits.asked = edits.asked && has_gold(one);
  return edits;
}

Measured edit_wise_forced(const JudgedCase& one) {
  return each(one, PromptKind::edit, OutputKind::forced);
}

// Edited hops were asked by cloze, the others by question.
Measured instance_wise(const JudgedCase& one) {
  std::int64_t right = 0;
  bool asked = false;
  for (const JudgedOutput& judged : one.outputs) {
    const PromptKind kind = judged.prompt->kind;
    if (judged.output->kind != OutputKind::answer) continue;
    if (kind != PromptKind::hop_cloze && kind != PromptKind::hop_question) continue;
    asked = true;
    right += judged.right ? 1 : 0;
  }
  return {as_number(asked && right == one.of->hop_count()), 1.0, asked};
}

// Four readings of the verdicts on a case's questions.
template <OutputKind kind>
Measured any_question(const JudgedCase& one) {
  const std::vector<bool> v = verdicts_of(one, PromptKind::question, kind);
  return {as_number(count_true(v) > 0), 1.0, !v.empty()};
}
template <OutputKind kind>
Measured first_question(const JudgedCase& one) {
  const std::vector<bool> v = verdicts_of(one, PromptKind::question, kind);
  return {as_number(!v.empty() && v.front()), 1.0, !v.empty()};
}
template <OutputKind kind>
Measured mean_question(const JudgedCase& one) {
  const std::vector<bool> v = verdicts_of(one, PromptKind::question, kind);
  return {v.empty() ? 0.0 : count_true(v) / static_cast<double>(v.size()), 1.0, !v.empty()};
}
template <OutputKind kind>
Measured every_question(const JudgedCase& one) {
  const std::vector<bool> v = verdicts_of(one, PromptKind::question, kind);
  return {as_number(!v.empty() && count_true(v) == static_cast<double>(v.size())), 1.0, !v.empty()};
}

// The best of the questions: a right path on any of them counts.
template <class Reading>
Measured best_trace(const JudgedCase& one, Reading reading) {
  Measured best{0.0, 1.0, false};
  for (const JudgedOutput& judged : one.outputs) {
    if (!judged.trace) continue;
    best.asked = true;
    best.hit = std::max(best.hit, static_cast<double>(reading(*judged.trace)));
  }
  return best;
}
Measured hop_joint(const JudgedCase& one) {
  return best_trace(one, [](const TraceVerdict& t) { return t.answered && t.path; });
}
Measured hop_path(const JudgedCase& one) {
  return best_trace(one, [](const TraceVerdict& t) { return t.path; });
}
Measured hop_count(const JudgedCase& one) {
  return best_trace(one, [](const TraceVerdict& t) { return t.count; });
}
Measured hop_sub(const JudgedCase& one) {
  return best_trace(one, [](const TraceVerdict& t) { return t.sub; });
}

Measured hop_probe(const JudgedCase& one) {
  const std::vector<bool> clozes = verdicts_of(one, PromptKind::hop_cloze, OutputKind::probe);
  const std::vector<bool> questions = verdicts_of(one, PromptKind::hop_question, OutputKind::probe);
  const auto places = static_cast<double>(2 * one.of->hop_count());
  const double right = count_true(clozes) + count_true(questions);
  return {places > 0 ? right / places : 0.0, 1.0, !clozes.empty() || !questions.empty()};
}

// Mean share of tokens over all prompts of a kind.
Measured tokens_of(const JudgedCase& one, PromptKind prompt) {
  Measured mean{0.0, 1.0, false};
  for (const JudgedOutput& judged : one.outputs) {
    if (judged.prompt->kind != prompt || judged.output->kind != OutputKind::forced) continue;
    mean.asked = mean.asked || judged.output->forced.tokens > 0;
    mean.hit += share(judged.output->forced);
  }
  if (mean.hit > 0.0) mean.hit /= static_cast<double>(one.of->count(prompt));
  return mean;
}
Measured edit_wise_tokens(const JudgedCase& one) { return tokens_of(one, PromptKind::edit); }
Measured multi_hop_tokens(const JudgedCase& one) { return tokens_of(one, PromptKind::question); }

constexpr const char* kEditSection = "Edits and facts";
constexpr const char* kPathSection = "Reasoning path";

std::vector<Metric> edit_metrics() {
  return {
      {{"edit_wise", "Edit-wise",
        "Share of edits whose own cloze, asked without exemplars, is completed with the new "
        "object or one of its aliases.",
        "MQuAKE", kEditSection, true},
       edit_wise},
      {{kDistinctEdits, "Edit-wise, distinct",
        "As edit-wise, over distinct edits: an edit that occurs in several cases counts once, "
        "with the share of its occurrences that took.",
        "kedit", kEditSection, true},
       edit_wise},
      {{"edit_wise_forced", "Edit-wise, forced",
        "Share of edits where every token of the new object is the most probable one after "
        "the cloze and the tokens before it (teacher forcing).",
        "MEMIT's harness", kEditSection, false},
       edit_wise_forced},
      {{"instance_wise", "Instance-wise",
        "Share of cases where every hop of the post-edit chain is recalled alone: edited hops "
        "by cloze, the others by question.",
        "MQuAKE", kEditSection, false},
       instance_wise},
  };
}

template <OutputKind kind>
std::vector<Metric> question_metrics(const std::string& stem, const std::string& title,
                                     const std::string& how, const std::string& origin,
                                     const std::string& section) {
  const auto info = [&](const char* suffix, const char* of, const char* which) {
    return MetricInfo{
        stem + suffix,
        title + of,
        fmt::format("Share of cases where {} is answered with a gold answer, {}.", which, how),
        origin,
        section,
        true};
  };
  return {
      {info("_any", ", any", "any of the questions"), any_question<kind>},
      {info("_first", ", first", "the first question"), first_question<kind>},
      {{stem + "_mean", title + ", mean",
        fmt::format("Share of the questions answered with a gold answer, {}, averaged per "
                    "case and then over cases.",
                    how),
        "memit_for_mquake", section, true},
       mean_question<kind>},
      {info("_all", ", all", "every question"), every_question<kind>},
  };
}

std::vector<Metric> path_metrics() {
  return {
      {{"hop_joint", "H-Joint",
        "Share of cases where, on any question, the final answer is right, the reasoning "
        "has as many steps as the chain has hops, and every step's answer is right.",
        "PokeMQA, also KEDKG and IRAKE", kPathSection, true},
       hop_joint},
      {{"hop_path", "H-Path", "As H-Joint without the condition on the final answer.",
        "derived from PokeMQA", kPathSection, true},
       hop_path},
      {{"hop_count", "H-Count",
        "Share of cases where, on any question, the reasoning has as many steps as the "
        "chain has hops; says nothing about what the steps contain.",
        "Reason-KE++, its reward helper", kPathSection, true},
       hop_count},
      {{"hop_sub", "H-Sub",
        "Steps answered right, position by position, over the number of hops; best of the "
        "questions, averaged over cases.",
        "Reason-KE++, its reward", kPathSection, true},
       hop_sub},
      {{"hop_probe", "H-Probe",
        "Every hop of the post-edit chain asked alone, by cloze and by question, at most 10 "
        "tokens; share answered right, averaged per case and then over cases; the origin "
        "judges by M3.",
        "CaKE", kPathSection, false},
       hop_probe},
  };
}

std::vector<Metric> token_metrics() {
  const std::string section = "Tokens under teacher forcing";
  return {
      {{"edit_wise_tokens", "Edit-wise, tokens",
        "Rule M6 only: share of the new object's tokens that are the most probable ones "
        "after the cloze and the tokens before them, averaged per case and over cases.",
        "EasyEdit (rewrite_acc)", section, false, MetricBasis::tokens},
       edit_wise_tokens},
      {{"multi_hop_tokens", "Multi-hop, tokens",
        "Rule M6 only: share of the new answer's tokens that are the most probable ones "
        "after the question and the tokens before them, averaged per case and over cases.",
        "EasyEdit (portability)", section, false, MetricBasis::tokens},
       multi_hop_tokens},
  };
}

}  // namespace

std::vector<Metric> multi_hop_metrics() {
  std::vector<Metric> list = edit_metrics();
  const auto add = [&list](std::vector<Metric> more) {
    list.insert(list.end(), more.begin(), more.end());
  };
  add(question_metrics<OutputKind::answer>("multi_hop", "Multi-hop", "asked directly", "MQuAKE",
                                           "Multi-hop, asked directly"));
  add(question_metrics<OutputKind::thoughts>("cot", "Multi-hop CoT",
                                             "asked with thoughts before the answer", "MQuAKE",
                                             "Multi-hop, thoughts first"));
  add(path_metrics());
  add(token_metrics());
  return list;
}

}  // namespace kedit::metrics
