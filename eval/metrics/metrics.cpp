#include "eval/metrics/metrics.hpp"

#include "eval/metrics/metric_table.hpp"
#include "json/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <tuple>

namespace kedit::metrics {
namespace {

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> table = [] {
    std::vector<Metric> list = multi_hop_metrics();
    for (const auto& more : {counterfact_metrics(), zsre_metrics()}) {
      list.insert(list.end(), more.begin(), more.end());
    }
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
