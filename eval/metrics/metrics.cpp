#include "eval/metrics/metrics.hpp"

#include "json/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace kedit {
namespace {

double count_true(const std::vector<bool>& verdicts) {
  return static_cast<double>(std::count(verdicts.begin(), verdicts.end(), true));
}

double size_of(const std::vector<bool>& verdicts) { return static_cast<double>(verdicts.size()); }

bool any(const std::vector<bool>& verdicts) { return count_true(verdicts) > 0; }
bool all(const std::vector<bool>& verdicts) {
  return !verdicts.empty() && count_true(verdicts) == size_of(verdicts);
}

using VerdictList = std::vector<bool> CaseVerdicts::*;
using ShareList = std::vector<double> CaseVerdicts::*;
using Reading = Score (*)(const std::vector<bool>&);

Score read_any(const std::vector<bool>& v) { return {any(v) ? 1.0 : 0.0, 1.0}; }
Score read_first(const std::vector<bool>& v) { return {!v.empty() && v[0] ? 1.0 : 0.0, 1.0}; }
Score read_all(const std::vector<bool>& v) { return {all(v) ? 1.0 : 0.0, 1.0}; }
Score read_mean(const std::vector<bool>& v) {
  return {v.empty() ? 0.0 : count_true(v) / size_of(v), 1.0};
}
Score read_each(const std::vector<bool>& v) { return {count_true(v), size_of(v)}; }

using TraceReading = double (*)(const TraceVerdict&);
double trace_joint(const TraceVerdict& t) { return t.answered && t.path ? 1.0 : 0.0; }
double trace_path(const TraceVerdict& t) { return t.path ? 1.0 : 0.0; }
double trace_count(const TraceVerdict& t) { return t.count ? 1.0 : 0.0; }
double trace_sub(const TraceVerdict& t) { return t.sub; }

// The best of the questions: a right path on any of them counts.
Score best_trace(const std::vector<TraceVerdict>& traces, TraceReading reading) {
  double best = 0.0;
  for (const TraceVerdict& trace : traces) best = std::max(best, reading(trace));
  return {best, 1.0};
}

struct Metric {
  MetricInfo info;
  bool CaseVerdicts::*present;  // null for values of records, which stand under the metric's name
  VerdictList list;             // null for trace and share metrics
  Reading reading;
  TraceReading trace_reading;  // null for the others
  ShareList shares;            // null for the others
};

Metric on_list(MetricInfo info, bool CaseVerdicts::*present, VerdictList list, Reading reading) {
  return {std::move(info), present, list, reading, nullptr, nullptr};
}

Metric on_traces(MetricInfo info, TraceReading reading) {
  return {std::move(info), &CaseVerdicts::has_traces, nullptr, nullptr, reading, nullptr};
}

Metric on_shares(MetricInfo info, bool CaseVerdicts::*present, ShareList shares) {
  return {std::move(info), present, nullptr, nullptr, nullptr, shares};
}

Metric on_record(const char* name, const char* title, const char* definition, const char* origin) {
  return {
      {name, title, definition, origin, false, true}, nullptr, nullptr, nullptr, nullptr, nullptr};
}

// A difference of two probabilities.
Metric on_magnitude(const char* name, const char* title, const char* definition) {
  Metric metric = on_record(name, title, definition, "ROME");
  metric.info.lowest = -1.0;
  return metric;
}

Metric harmonic(const char* name, const char* title, const char* definition, const char* origin,
                std::vector<std::string> of) {
  Metric metric = on_record(name, title, definition, origin);
  metric.info.harmonic_of = std::move(of);
  return metric;
}

Score mean_share(const std::vector<double>& shares) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  return {shares.empty() ? 0.0 : sum / static_cast<double>(shares.size()), 1.0};
}

std::vector<Metric> question_metrics(const std::string& stem, const std::string& title,
                                     const std::string& how, const std::string& origin,
                                     bool CaseVerdicts::*present, VerdictList list) {
  const auto info = [&](const char* suffix, const char* of, const char* which) {
    return MetricInfo{
        stem + suffix, title + of,
        fmt::format("Share of cases where {} is answered with a gold answer, {}.", which, how),
        origin, true};
  };
  return {
      on_list(info("_any", ", any", "any of the questions"), present, list, read_any),
      on_list(info("_first", ", first", "the first question"), present, list, read_first),
      on_list({stem + "_mean", title + ", mean",
               fmt::format("Share of the questions answered with a gold answer, {}, averaged per "
                           "case and then over cases.",
                           how),
               "memit_for_mquake", true},
              present, list, read_mean),
      on_list(info("_all", ", all", "every question"), present, list, read_all),
  };
}

std::vector<Metric> trace_metrics() {
  return {
      on_traces({"hop_joint", "H-Joint",
                 "Share of cases where, on any question, the final answer is right, the reasoning "
                 "has as many steps as the chain has hops, and every step's answer is right.",
                 "PokeMQA, also KEDKG and IRAKE", true},
                trace_joint),
      on_traces({"hop_path", "H-Path", "As H-Joint without the condition on the final answer.",
                 "derived from PokeMQA", true},
                trace_path),
      on_traces({"hop_count", "H-Count",
                 "Share of cases where, on any question, the reasoning has as many steps as the "
                 "chain has hops; says nothing about what the steps contain.",
                 "Reason-KE++, its reward helper", true},
                trace_count),
      on_traces({"hop_sub", "H-Sub",
                 "Steps answered right, position by position, over the number of hops; best of the "
                 "questions, averaged over cases.",
                 "Reason-KE++, its reward", true},
                trace_sub),
  };
}

std::vector<Metric> probe_and_token_metrics() {
  return {
      on_list({"hop_probe", "H-Probe",
               "Every hop of the post-edit chain asked alone, by cloze and by question, at most 10 "
               "tokens; share answered right, averaged per case and then over cases; the origin "
               "judges by M3.",
               "CaKE", false},
              &CaseVerdicts::has_probes, &CaseVerdicts::probes, read_mean),
      on_shares({"edit_wise_tokens", "Edit-wise, tokens",
                 "Rule M6 only: share of the new object's tokens that are the most probable ones "
                 "after the cloze and the tokens before them, averaged per case and over cases.",
                 "EasyEdit (rewrite_acc)", false},
                &CaseVerdicts::has_edit_shares, &CaseVerdicts::edit_shares),
      on_shares({"multi_hop_tokens", "Multi-hop, tokens",
                 "Rule M6 only: share of the new answer's tokens that are the most probable ones "
                 "after the question and the tokens before them, averaged per case and over cases.",
                 "EasyEdit (portability)", false},
                &CaseVerdicts::has_direct_shares, &CaseVerdicts::direct_shares),
  };
}

std::vector<Metric> record_metrics() {
  return {
      on_record("counterfact_es", "ES",
                "Share of records where the new object is more probable than the true one after "
                "the edited prompt, by mean log-probability per token.",
                "ROME"),
      on_record("counterfact_ps", "PS", "The same after paraphrases, averaged per record.", "ROME"),
      on_record("counterfact_ns", "NS",
                "Share of prompts about other subjects where the true object stays the more "
                "probable one, averaged per record.",
                "ROME"),
      harmonic("counterfact_s", "S", "Harmonic mean of ES, PS and NS.", "ROME",
               {"counterfact_es", "counterfact_ps", "counterfact_ns"}),
      on_magnitude(
          "counterfact_em", "EM",
          "Probability of the new object less that of the true one after the edited prompt, "
          "each the geometric mean over its tokens."),
      on_magnitude("counterfact_pm", "PM", "The same after paraphrases, averaged per record."),
      on_magnitude("counterfact_nm", "NM",
                   "Probability of the true object less that of the new one after prompts about "
                   "other subjects, averaged per record."),
      on_record("zsre_efficacy", "zsRE efficacy",
                "Share of the answer's tokens that are the most probable ones under teacher "
                "forcing after the edited question.",
                "MEND, ROME"),
      on_record("zsre_paraphrase", "zsRE paraphrase", "The same after the question rephrased.",
                "MEND, ROME"),
      on_record("zsre_specificity", "zsRE specificity",
                "The same for an unrelated question against the dataset's answer.", "MEND, ROME"),
      harmonic("zsre_score", "zsRE score", "Harmonic mean of the three.", "MEMIT",
               {"zsre_efficacy", "zsre_paraphrase", "zsre_specificity"}),
  };
}

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> table = [] {
    std::vector<Metric> list = {
        on_list(
            {"edit_wise", "Edit-wise",
             "Share of edits whose own cloze, asked without exemplars, is completed with the new "
             "object or one of its aliases.",
             "MQuAKE", true},
            &CaseVerdicts::has_edits, &CaseVerdicts::edits, read_each),
        on_list(
            {"edit_wise_unique", "Edit-wise, distinct",
             "As edit-wise, over distinct edits: an edit that occurs in several cases counts once, "
             "with the share of its occurrences that took.",
             "kedit", true},
            &CaseVerdicts::has_edits, &CaseVerdicts::edits, nullptr),
        on_list(
            {"edit_wise_forced", "Edit-wise, forced",
             "Share of edits where every token of the new object is the most probable one after "
             "the cloze and the tokens before it (teacher forcing).",
             "MEMIT's harness", false},
            &CaseVerdicts::has_forced, &CaseVerdicts::forced, read_each),
        on_list(
            {"instance_wise", "Instance-wise",
             "Share of cases where every hop of the post-edit chain is recalled alone: edited hops "
             "by cloze, the others by question.",
             "MQuAKE", false},
            &CaseVerdicts::has_hops, &CaseVerdicts::hops, read_all),
    };
    const auto add = [&list](std::vector<Metric> more) {
      list.insert(list.end(), more.begin(), more.end());
    };
    add(question_metrics("multi_hop", "Multi-hop", "asked directly", "MQuAKE",
                         &CaseVerdicts::has_direct, &CaseVerdicts::direct));
    add(question_metrics("cot", "Multi-hop CoT", "asked with thoughts before the answer", "MQuAKE",
                         &CaseVerdicts::has_cot, &CaseVerdicts::cot));
    add(trace_metrics());
    add(probe_and_token_metrics());
    add(record_metrics());
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

EditKey edit_key(const Rewrite& rewrite) {
  return {rewrite.subject, rewrite.prompt, rewrite.target_new};
}

// Each occurrence of an edit weighs one over the number of its occurrences.
CaseScores distinct_edit_scores(const std::vector<ScoredCase>& cases) {
  std::map<EditKey, double> occurrences;
  for (const ScoredCase& one : cases) {
    for (const Rewrite& rewrite : one.mquake_case->rewrites) occurrences[edit_key(rewrite)] += 1.0;
  }
  CaseScores scores;
  for (const ScoredCase& one : cases) {
    CaseScore score{one.verdicts.case_id, 0.0, 0.0};
    for (std::size_t i = 0; i < one.mquake_case->rewrites.size(); ++i) {
      const double weight = 1.0 / occurrences[edit_key(one.mquake_case->rewrites[i])];
      score.n += weight;
      if (one.verdicts.edits[i]) score.hit += weight;
    }
    scores.push_back(score);
  }
  return scores;
}

bool has_input(const Metric& metric, const CaseVerdicts& verdicts) {
  return metric.info.of_record ? verdicts.has_record && verdicts.record.count(metric.info.name) > 0
                               : verdicts.*(metric.present);
}

Score record_score(const Metric& metric, const CaseVerdicts& verdicts) {
  const auto found = verdicts.record.find(metric.info.name);
  return found == verdicts.record.end() ? Score{} : Score{found->second, 1.0};
}

Score score_case(const Metric& metric, const CaseVerdicts& verdicts) {
  if (metric.info.of_record) return record_score(metric, verdicts);
  if (metric.trace_reading != nullptr) return best_trace(verdicts.traces, metric.trace_reading);
  if (metric.shares != nullptr) return mean_share(verdicts.*(metric.shares));
  return metric.reading(verdicts.*(metric.list));
}

std::string edited_positions(const MquakeCase& one) {
  std::string positions;
  for (std::size_t i = 0; i < one.new_triples.size(); ++i) {
    if (is_edited_hop(one, i)) positions += std::to_string(i + 1);
  }
  return positions.empty() ? "none" : positions;
}

std::string bucket_name(const ScoredCase& one, std::string_view breakdown) {
  const bool chain = one.mquake_case->source == CaseSource::mquake;
  if (!chain && breakdown != "contaminated") return "";
  if (breakdown == "hops") return std::to_string(one.mquake_case->hop_count());
  if (breakdown == "edits") return std::to_string(one.mquake_case->rewrites.size());
  if (breakdown == "contaminated") return one.contaminated ? "contaminated" : "clean";
  if (breakdown == "positions") return edited_positions(*one.mquake_case);
  if (breakdown == "last_relation") {
    return one.mquake_case->new_triples.empty() ? "unknown"
                                                : one.mquake_case->new_triples.back().relation;
  }
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
  const bool present = std::any_of(cases.begin(), cases.end(), [&](const ScoredCase& one) {
    return has_input(metric, one.verdicts);
  });
  if (!present) return std::nullopt;
  if (metric.info.name == "edit_wise_unique") return distinct_edit_scores(cases);
  CaseScores scores;
  for (const ScoredCase& one : cases) {
    const Score score = score_case(metric, one.verdicts);
    scores.push_back({one.verdicts.case_id, score.hit, score.n});
  }
  return scores;
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

}  // namespace kedit
