#pragma once

#include "eval/metrics/outputs.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// Values of one record by metric name ("counterfact_es", ...); kinds of prompts that the record
/// does not have are left out.
using RecordScores = std::map<std::string, double>;
RecordScores record_scores(const CounterFactOutputs& outputs);
RecordScores record_scores(const ZsreOutputs& outputs);

/// A mean over records with the half-width 1.96 std / sqrt(n).
struct MeanScore {
  double value = 0.0;
  double half_width = 0.0;
  std::int64_t n = 0;
};

/// ROME's harness. A prompt counts when the wanted object has strictly the smaller NLL; a mean per
/// record, then over records. `s`: harmonic mean of the three.
struct CounterFactScores {
  std::optional<MeanScore> es, ps, ns;  ///< Efficacy, paraphrase, neighborhood.
  std::optional<MeanScore> em, pm, nm;  ///< Differences of exp(-NLL) instead of counts.
  std::optional<double> s;
};

/// Pure functions of stored outputs; a score whose outputs are absent is absent, never 0.
CounterFactScores counterfact_scores(const std::vector<CounterFactOutputs>& outputs);

/// MEND's and ROME's harness: token accuracies, mean per record and then over records; `harmonic`
/// of the three as MEMIT reports it.
struct ZsreScores {
  MeanScore efficacy, paraphrase, specificity;
  double harmonic = 0.0;
};
ZsreScores zsre_scores(const std::vector<ZsreOutputs>& outputs);

/// JSON lines or an array: {"case_id", "rewrite": [new, true], "paraphrase": [[new, true], ...],
/// "neighborhood": [...]} with mean NLLs; {"number", "rewrite": [matched, all], "paraphrase": ...,
/// "specificity": ...}. Throws `DataError`.
Json to_json(const CounterFactOutputs& outputs);
Json to_json(const ZsreOutputs& outputs);
/// Throw `JsonError`.
CounterFactOutputs counterfact_outputs_from(const JsonView& view);
ZsreOutputs zsre_outputs_from(const JsonView& view);
std::vector<CounterFactOutputs> read_counterfact_outputs(const std::filesystem::path& file);
std::vector<ZsreOutputs> read_zsre_outputs(const std::filesystem::path& file);

/// A score as tables show it. A harmonic mean of other scores has no interval and no count.
struct NamedScore {
  std::string name;
  double value = 0.0;
  std::optional<MeanScore> mean;
};
/// In the order of tables; scores that are absent are left out.
std::vector<NamedScore> named_scores(const CounterFactScores& scores);
std::vector<NamedScore> named_scores(const ZsreScores& scores);
/// {"ES": {"value", "half_width95", "n"}, ...}
Json to_json(const std::vector<NamedScore>& scores);

/// Zero, or the harmonic mean of positive numbers.
double harmonic_mean(const std::vector<double>& values);

}  // namespace kedit
