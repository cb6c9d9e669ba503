#pragma once

#include "eval/answering/specificity.hpp"
#include "eval/metrics/bootstrap.hpp"
#include "eval/metrics/metrics.hpp"
#include "eval/runner/run_data.hpp"
#include "eval/runner/system.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace kedit::report {

/// One number of a report.
struct ReportCell {
  metrics::Score score;
  std::optional<metrics::Interval> interval;  ///< 95 %, over cases.
};

/// Where a number stands.
struct CellKey {
  std::string system;
  MatchRule rule = MatchRule::exact;
  GoldSide side = GoldSide::post;
  std::string metric;
  std::string breakdown;  ///< "" for all cases, "hops", "edits", "contaminated"
  std::string bucket;     ///< "" for all cases, "2", "clean", ...

  auto operator<=>(const CellKey&) const = default;
};

/// `first` minus `second` on the same cases.
struct PairedDifference {
  std::string first, second, metric;
  MatchRule rule = MatchRule::exact;
  double value = 0.0;
  metrics::Interval interval;
  std::int64_t only_first = 0, only_second = 0;  ///< Cases that one has right and the other not.
  double mcnemar = 1.0;  ///< Exact two-sided p of those two numbers under equal chances.
};

struct SystemTiming {
  std::int64_t cases = 0;  ///< Answered so far.
  std::int64_t edits = 0;  ///< Requests edited, over all groups.
  double edit_seconds = 0.0;
  double answer_seconds = 0.0;
  std::int64_t failed_groups = 0;  ///< Groups with an edit that could not be made.
};

/// A case with what every system said, for reading.
struct SampleAnswer {
  std::string system;
  const CaseOutputs* outputs = nullptr;
  metrics::JudgedCase now, old;  ///< Against post-edit and pre-edit golds, first rule of the run.
};
struct SampleCase {
  const Case* of = nullptr;
  bool contaminated = false;
  std::vector<SampleAnswer> answers;
};

struct ReportOptions {
  std::int64_t draws = 10000;      ///< Bootstrap resamples.
  std::uint64_t seed = 0;          ///< Of the bootstrap and the sample of cases.
  std::int64_t sample_cases = 24;  ///< Cases shown in full.
};

/// Everything a report shows about one run, computed from stored outputs alone. Holds the run's
/// data; movable, not copyable (samples point into it).
struct BenchReport {
  runner::RunData data;
  std::vector<runner::SystemInfo> systems;  ///< Editors first, then controls.
  std::vector<MatchRule> rules;
  std::vector<std::string>
      metrics;  ///< Those that any system has, in the order of known_metrics().
  std::map<CellKey, ReportCell> cells;
  std::vector<PairedDifference> differences;
  std::map<std::string, SystemTiming> timings;
  std::map<std::string, answering::SpecificityTable>
      specificity;  ///< By system; empty where not asked.
  std::int64_t pre_known = 0, rest_known = 0, recall_asked = 0;  ///< Cases, of the unedited model.
  std::vector<std::int64_t> contaminated;
  std::vector<SampleCase> samples;

  BenchReport() = default;
  BenchReport(BenchReport&&) = default;
  BenchReport& operator=(BenchReport&&) = default;
  BenchReport(const BenchReport&) = delete;
  BenchReport& operator=(const BenchReport&) = delete;

  const ReportCell* find(const CellKey& key) const;
};

BenchReport make_report(runner::RunData data, const ReportOptions& options = {});

/// Two runs on the cases that both have: systems of the same label, metric by metric.
struct RunComparison {
  std::string first, second;             ///< Names and ids of the runs.
  std::int64_t cases = 0;                ///< In both.
  std::vector<std::string> differences;  ///< Parts of the protocol that are not the same.
  std::vector<PairedDifference> rows;    ///< `first` and `second` hold the label of the system.
};

/// Empty when the runs have no case in common (other data), or no system, metric and rule.
std::optional<RunComparison> compare_runs(const BenchReport& first, const BenchReport& second,
                                          const ReportOptions& options = {});

/// One self-contained page: no script, no address outside the file.
std::string to_html(const std::vector<BenchReport>& reports);
std::string to_markdown(const std::vector<BenchReport>& reports);
/// One line per number: run, system, kind, rule, gold, breakdown, bucket, metric, hit, n, value,
/// low, high, method and units of the interval.
std::string to_csv(const std::vector<BenchReport>& reports);
Json to_json(const std::vector<BenchReport>& reports);
/// Sampled texts as JSON lines that `read_text_records` takes: {"id": "RUN/SYSTEM/CASE", "texts",
/// "relation_id", "target_id", "subject"}. Throws `EvalError` when no run has any.
std::string to_text_lines(const std::vector<BenchReport>& reports);

/// A metric's value as tables show it: times 100 with one decimal, or as it is.
std::string shown(const std::string& metric, double value);

/// The metric that tells multi-hop success in this report: thoughts where they were asked, else
/// direct.
std::string headline_metric(const BenchReport& report);

}  // namespace kedit::report
