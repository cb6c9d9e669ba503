#pragma once

#include "eval/metrics/matching.hpp"
#include "eval/metrics/outputs.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// Verdict on one reasoning trace against the gold chain.
struct TraceVerdict {
  bool answered = false;  ///< The final answer is right.
  bool count = false;     ///< As many steps as hops.
  bool path = false;      ///< `count`, and every step's answer is right.
  double sub = 0.0;       ///< Share of hops answered right, position by position.
};

/// What a rule says about one system's outputs for one case. Vectors have the case's own sizes; an
/// output that is missing counts as wrong. The flags tell what was asked at all.
struct CaseVerdicts {
  std::int64_t case_id = 0;
  std::vector<bool> edits, forced, hops, direct, cot;
  std::vector<bool> probes;                        ///< Each post-edit hop by cloze, by question.
  std::vector<double> edit_shares, direct_shares;  ///< Rule M6: share of tokens that are right.
  /// CounterFact, zsRE: values by metric name, for the kinds of prompts that the record has.
  std::map<std::string, double> record;
  std::vector<TraceVerdict> traces;  ///< Of `cot`, else of `direct`, one per question.
  bool has_edits = false, has_forced = false, has_hops = false, has_direct = false, has_cot = false,
       has_traces = false, has_probes = false, has_edit_shares = false, has_direct_shares = false,
       has_record = false;
};

/// Judges stored outputs (null: the system said nothing about this case). Throws `EvalError` when
/// there are more outputs of a kind than the case has places. Rule M6 judges forced tokens only,
/// all other rules judge answers only.
CaseVerdicts judge(const MquakeCase& mquake_case, const CaseOutputs* outputs, MatchRule rule,
                   GoldSide side, const MatchOptions& options = {});

/// What the unedited model knew of a case, by `recall` and `recall_new` of its outputs under M0;
/// absent where it was not asked.
struct Recall {
  std::optional<bool> pre_known;   ///< Every hop of the chain before the edits.
  std::optional<bool> rest_known;  ///< Every unedited hop of the chain after them.
};
Recall recall_of(const MquakeCase& mquake_case, const CaseOutputs& unedited);

/// True when the hop of the post-edit chain is one of the case's edits.
bool is_edited_hop(const MquakeCase& mquake_case, std::size_t hop);

/// A case with its verdicts, as metrics see it.
struct ScoredCase {
  const MquakeCase* mquake_case = nullptr;
  CaseVerdicts verdicts;
  bool contaminated = false;
  Recall recall;  ///< Of the unedited model, where a run has asked it.
};

/// What one case adds to a metric: value = sum of `hit` / sum of `n`.
struct CaseScore {
  std::int64_t case_id = 0;
  double hit = 0.0;
  double n = 0.0;
};

using CaseScores = std::vector<CaseScore>;

struct Score {
  double hit = 0.0;
  double n = 0.0;
  double value() const { return n > 0 ? hit / n : 0.0; }
};

Score total(const CaseScores& scores);

struct MetricInfo {
  std::string name;        ///< "multi_hop_any"
  std::string title;       ///< "Multi-hop, any of the questions"
  std::string definition;  ///< One sentence.
  std::string origin;      ///< Who defined it.
  bool has_old_side;       ///< Makes sense against pre-edit golds too.
  bool of_record = false;  ///< Of CounterFact or zsRE: probabilities, no matching rule.
  /// Empty, or the metrics whose totals' harmonic mean this is: it has no value case by case.
  std::vector<std::string> harmonic_of{};
  double lowest = 0.0;  ///< Of one case: -1 for differences of probabilities.
};

/// All metrics, in the order in which reports show them.
const std::vector<MetricInfo>& known_metrics();
/// Throws `EvalError` with the nearest name.
const MetricInfo& metric_info(std::string_view name);

/// The metric case by case; empty when no case has the outputs it needs (it is then left out, never
/// 0).
std::optional<CaseScores> case_scores(std::string_view metric,
                                      const std::vector<ScoredCase>& cases);

/// Buckets for breakdowns: "hops" -> "2", "3"...; "edits" -> "0", "1"...; "positions" -> "1", "13",
/// the edited hops; "contaminated" -> "clean", "contaminated"; "last_relation" -> "P36"...;
/// "recall" -> "rest known", "rest not known", or none where nobody was asked. Cases without a
/// chain are told clean from contaminated only. Names in ascending order, only those that occur.
struct Bucket {
  std::string name;
  std::vector<ScoredCase> cases;
};
std::vector<Bucket> buckets_of(const std::vector<ScoredCase>& cases, std::string_view breakdown);
const std::vector<std::string>& known_breakdowns();

}  // namespace kedit
