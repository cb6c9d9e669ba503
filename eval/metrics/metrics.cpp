#include "eval/metrics/metrics.hpp"

#include "json/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace kedit::metrics {
namespace {

constexpr const char* kDistinctEdits = "edit_wise_unique";

/// What one case adds to a metric, and whether it was asked what the metric needs; where it was
/// not, `hit` of `n` is what a case that nobody answered counts as.
struct Measured {
  double hit = 0.0;
  double n = 0.0;
  bool asked = false;
};
using Measure = Measured (*)(const JudgedCase&);

/// A row of the table: one function over a case's judged outputs, or none for harmonic means.
struct Metric {
  MetricInfo info;
  Measure measure = nullptr;
};

double as_number(bool yes) { return yes ? 1.0 : 0.0; }

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

double share(const ForcedScore& score) {
  return score.tokens > 0 ? static_cast<double>(score.matched) / static_cast<double>(score.tokens)
                          : 0.0;
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

/// A prompt's gold and, where it has one, its rival.
using ForcedValue = double (*)(const ForcedScore& gold, const ForcedScore* rival);

// Mean over the prompts of a kind that are (not) compared with a rival. A case without such prompts
// does not count; one that nobody answered is a miss.
Measured mean_forced(const JudgedCase& one, PromptKind kind, bool compared, ForcedValue value) {
  Measured mean;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < one.outputs.size(); ++i) {
    const JudgedOutput& gold = one.outputs[i];
    if (gold.prompt->kind != kind || gold.prompt->rival.empty() == compared) continue;
    if (gold.output->kind != OutputKind::forced) continue;
    const JudgedOutput* rival = i + 1 < one.outputs.size() ? &one.outputs[i + 1] : nullptr;
    if (compared && (rival == nullptr || rival->prompt != gold.prompt)) continue;
    mean.hit += value(gold.output->forced, compared ? &rival->output->forced : nullptr);
    ++answered;
  }
  const bool has_prompts =
      std::any_of(one.of->prompts.begin(), one.of->prompts.end(), [&](const Prompt& prompt) {
        return prompt.kind == kind && prompt.rival.empty() != compared;
      });
  if (answered > 0) mean.hit /= static_cast<double>(answered);
  mean.asked = answered > 0;
  mean.n = as_number(has_prompts);
  return mean;
}

// The smaller negative log-likelihood per token is the more probable text; a tie is none.
double preferred(const ForcedScore& gold, const ForcedScore* rival) {
  return as_number(-gold.mean_logprob() < -rival->mean_logprob());
}
double margin(const ForcedScore& gold, const ForcedScore* rival) {
  return std::exp(gold.mean_logprob()) - std::exp(rival->mean_logprob());
}
double token_share(const ForcedScore& gold, const ForcedScore*) { return share(gold); }

template <PromptKind kind>
Measured preference(const JudgedCase& one) {
  return mean_forced(one, kind, true, preferred);
}
template <PromptKind kind>
Measured preference_margin(const JudgedCase& one) {
  return mean_forced(one, kind, true, margin);
}
template <PromptKind kind>
Measured forced_tokens(const JudgedCase& one) {
  return mean_forced(one, kind, false, token_share);
}

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

/// Formats whose prompts are judged by probabilities show their numbers apart.
struct ProbabilitySection {
  const char* title;
  Metric metric(const char* name, const char* title_of, const char* short_name,
                const char* definition, const char* origin, Measure measure) const {
    return {
        {name, title_of, definition, origin, title, false, MetricBasis::probabilities, short_name},
        measure};
  }
  // A difference of two probabilities.
  Metric magnitude(const char* name, const char* title_of, const char* definition,
                   Measure measure) const {
    Metric difference = metric(name, title_of, title_of, definition, "ROME", measure);
    difference.info.lowest = -1.0;
    return difference;
  }
  Metric harmonic(const char* name, const char* title_of, const char* short_name,
                  const char* definition, const char* origin, std::vector<std::string> of) const {
    Metric mean = metric(name, title_of, short_name, definition, origin, nullptr);
    mean.info.harmonic_of = std::move(of);
    return mean;
  }
};

std::vector<Metric> preference_metrics() {
  const ProbabilitySection section{"CounterFact"};
  return {
      section.metric("counterfact_es", "ES", "ES",
                     "Share of records where the new object is more probable than the true one "
                     "after the edited prompt, by mean log-probability per token.",
                     "ROME", preference<PromptKind::rewrite>),
      section.metric("counterfact_ps", "PS", "PS",
                     "The same after paraphrases, averaged per record.", "ROME",
                     preference<PromptKind::paraphrase>),
      section.metric("counterfact_ns", "NS", "NS",
                     "Share of prompts about other subjects where the true object stays the more "
                     "probable one, averaged per record.",
                     "ROME", preference<PromptKind::locality>),
      section.harmonic("counterfact_s", "S", "S", "Harmonic mean of ES, PS and NS.", "ROME",
                       {"counterfact_es", "counterfact_ps", "counterfact_ns"}),
      section.magnitude("counterfact_em", "EM",
                        "Probability of the new object less that of the true one after the edited "
                        "prompt, each the geometric mean over its tokens.",
                        preference_margin<PromptKind::rewrite>),
      section.magnitude("counterfact_pm", "PM", "The same after paraphrases, averaged per record.",
                        preference_margin<PromptKind::paraphrase>),
      section.magnitude(
          "counterfact_nm", "NM",
          "Probability of the true object less that of the new one after prompts about "
          "other subjects, averaged per record.",
          preference_margin<PromptKind::locality>),
  };
}

std::vector<Metric> forced_token_metrics() {
  const ProbabilitySection section{"zsRE"};
  return {
      section.metric("zsre_efficacy", "zsRE efficacy", "efficacy",
                     "Share of the answer's tokens that are the most probable ones under teacher "
                     "forcing after the edited question.",
                     "MEND, ROME", forced_tokens<PromptKind::rewrite>),
      section.metric("zsre_paraphrase", "zsRE paraphrase", "paraphrase",
                     "The same after the question rephrased.", "MEND, ROME",
                     forced_tokens<PromptKind::paraphrase>),
      section.metric("zsre_specificity", "zsRE specificity", "specificity",
                     "The same for an unrelated question against the dataset's answer.",
                     "MEND, ROME", forced_tokens<PromptKind::locality>),
      section.harmonic("zsre_score", "zsRE score", "harmonic_mean", "Harmonic mean of the three.",
                       "MEMIT", {"zsre_efficacy", "zsre_paraphrase", "zsre_specificity"}),
  };
}

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> table = [] {
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
    add(preference_metrics());
    add(forced_token_metrics());
    return list;
  }();
  return table;
}

const Metric& find_metric(std::string_view name) {
  std::vector<std::string> known;
  for (const Metric& metric : metrics()) {
    if (metric.info.name == name) return metric;
    known.push_back(metric.info.name);
  }
  const auto nearest = nearest_name(name, known);
  throw EvalError(fmt::format("choosing a metric: \"{}\" is not known{}", name,
                              nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

using EditKey = std::tuple<std::string, std::string, std::string>;

EditKey edit_key(const EditRequest& edit) { return {edit.subject, edit.prompt, edit.target_new}; }

// Each occurrence of an edit weighs one over the number of its occurrences.
CaseScores distinct_edit_scores(const std::vector<ScoredCase>& cases) {
  std::map<EditKey, double> occurrences;
  for (const ScoredCase& one : cases) {
    for (const EditRequest& edit : one.judged.of->edits) occurrences[edit_key(edit)] += 1.0;
  }
  CaseScores scores;
  for (const ScoredCase& one : cases) {
    CaseScore score{one.judged.of->id, 0.0, 0.0};
    const std::vector<bool> right = verdicts_of(one.judged, PromptKind::edit, OutputKind::answer);
    for (std::size_t i = 0; i < one.judged.of->edits.size(); ++i) {
      const double weight = 1.0 / occurrences[edit_key(one.judged.of->edits[i])];
      score.n += weight;
      if (i < right.size() && right[i]) score.hit += weight;
    }
    scores.push_back(score);
  }
  return scores;
}

bool makes_sense(const MetricInfo& info, const JudgedCase& one) {
  if (one.side == GoldSide::pre && !info.has_old_side) return false;
  if (info.basis == MetricBasis::probabilities) return true;
  return (one.rule == MatchRule::tokens) == (info.basis == MetricBasis::tokens);
}

std::string edited_positions(const Case& one) {
  std::string positions;
  for (std::size_t i = 0; i < one.after.size(); ++i) {
    if (is_edited_hop(one, i)) positions += std::to_string(i + 1);
  }
  return positions.empty() ? "none" : positions;
}

std::string bucket_name(const ScoredCase& one, std::string_view breakdown) {
  const Case& of = *one.judged.of;
  if (!of.has_chain() && breakdown != "contaminated") return "";
  if (breakdown == "hops") return std::to_string(of.hop_count());
  if (breakdown == "edits") return std::to_string(of.edits.size());
  if (breakdown == "contaminated") return one.contaminated ? "contaminated" : "clean";
  if (breakdown == "positions") return edited_positions(of);
  if (breakdown == "last_relation") return of.after.back().ids.relation;
  if (breakdown == "recall") {
    if (!one.recall.rest_known) return "";
    return *one.recall.rest_known ? "rest known" : "rest not known";
  }
  throw EvalError(fmt::format("breaking metrics down: expected one of {}, found \"{}\"",
                              fmt::join(known_breakdowns(), ", "), breakdown));
}

}  // namespace

Score total(const CaseScores& scores) {
  Score sum;
  for (const CaseScore& score : scores) {
    sum.hit += score.hit;
    sum.n += score.n;
  }
  return sum;
}

const std::vector<MetricInfo>& known_metrics() {
  static const std::vector<MetricInfo> infos = [] {
    std::vector<MetricInfo> list;
    for (const Metric& metric : metrics()) list.push_back(metric.info);
    return list;
  }();
  return infos;
}

const MetricInfo& metric_info(std::string_view name) { return find_metric(name).info; }

std::optional<CaseScores> case_scores(std::string_view name, const std::vector<ScoredCase>& cases) {
  const Metric& metric = find_metric(name);
  if (metric.measure == nullptr) return std::nullopt;
  CaseScores scores;
  bool asked = false;
  for (const ScoredCase& one : cases) {
    if (!makes_sense(metric.info, one.judged)) return std::nullopt;
    const Measured measured = metric.measure(one.judged);
    asked = asked || measured.asked;
    scores.push_back({one.judged.of->id, measured.hit, measured.n});
  }
  if (!asked) return std::nullopt;
  return metric.info.name == kDistinctEdits ? distinct_edit_scores(cases) : scores;
}

const std::vector<std::string>& known_breakdowns() {
  static const std::vector<std::string> names = {"hops",         "edits",         "positions",
                                                 "contaminated", "last_relation", "recall"};
  return names;
}

std::vector<Bucket> buckets_of(const std::vector<ScoredCase>& cases, std::string_view breakdown) {
  std::map<std::string, std::vector<ScoredCase>> by_name;
  for (const ScoredCase& one : cases) {
    const std::string name = bucket_name(one, breakdown);
    if (!name.empty()) by_name[name].push_back(one);
  }
  std::vector<Bucket> buckets;
  for (auto& [name, members] : by_name) buckets.push_back({name, std::move(members)});
  return buckets;
}

}  // namespace kedit::metrics
