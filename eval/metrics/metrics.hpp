#pragma once

#include "eval/metrics/matching.hpp"
#include "eval/metrics/outputs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::metrics {

/// Verdict on one reasoning trace against the gold chain.
struct TraceVerdict {
  bool answered = false;  ///< The final answer is right.
  bool count = false;     ///< As many steps as hops.
  bool path = false;      ///< `count`, and every step's answer is right.
  double sub = 0.0;       ///< Share of hops answered right, position by position.
};

/// An output with what a rule says about it.
struct JudgedOutput {
  const Output* output = nullptr;
  const Prompt* prompt = nullptr;
  bool right = false;                 ///< In words: a gold of the side; forced: every token.
  std::optional<TraceVerdict> trace;  ///< Of a question's output that states steps.
};

/// One system's outputs for one case under a rule and a gold side. Points into both. A prompt
/// without an output counts as wrong where others were asked.
struct JudgedCase {
  const Case* of = nullptr;
  MatchRule rule = MatchRule::exact;
  GoldSide side = GoldSide::post;
  std::vector<JudgedOutput> outputs{};
  TextScores texts{};  ///< No rule has a say in them.
};

/// Judges stored outputs (null: the system said nothing about this case). Throws `EvalError` for an
/// output of a prompt that the case does not have.
JudgedCase judge(const Case& of, const CaseOutputs* outputs, MatchRule rule, GoldSide side,
                 const MatchOptions& options = {});

/// Whether each prompt of a kind, asked so, is answered right, in order of places; empty when none
/// of them was asked so.
std::vector<bool> verdicts_of(const JudgedCase& one, PromptKind prompt, OutputKind kind);

/// What the unedited model knew of a case's chains, by rule M0; absent where it was not asked.
struct Recall {
  std::optional<bool> pre_known;   ///< Every hop of the chain before the edits.
  std::optional<bool> rest_known;  ///< Every unedited hop of the chain after them.
};
Recall recall_of(const Case& of, const CaseOutputs& unedited);

/// A case as metrics see it, with what breakdowns tell it by.
struct ScoredCase {
  JudgedCase judged;
  bool contaminated = false;
  Recall recall{};  ///< Of the unedited model, where a run has asked it.
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

/// What a metric is computed from, and with that the rules under which it makes sense.
enum class MetricBasis {
  words,          ///< Answers judged by a rule of strings, or flags that stand beside them.
  tokens,         ///< Rule M6 alone.
  probabilities,  ///< Of given texts: every rule gives the same.
};

struct MetricInfo {
  std::string name;        ///< "multi_hop_any"
  std::string title;       ///< "Multi-hop, any of the questions"
  std::string definition;  ///< One sentence.
  std::string origin;      ///< Who defined it.
  std::string section;     ///< Heading under which reports show it.
  bool has_old_side;       ///< Makes sense against pre-edit golds too.
  MetricBasis basis = MetricBasis::words;
  std::string short_name{};  ///< Where recorded probabilities are scored: "ES"; else empty.
  /// Empty, or the metrics whose totals' harmonic mean this is: it has no value case by case.
  std::vector<std::string> harmonic_of{};
  double lowest = 0.0;    ///< Of one case: -1 for differences of probabilities.
  double highest = 1.0;   ///< Of one case; infinite where it has no limit.
  bool times_100 = true;  ///< As reports show it: per cent, or as papers have it.
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

}  // namespace kedit::metrics
