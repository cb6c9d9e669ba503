#pragma once

#include "eval/metrics/metrics.hpp"
#include "json/json.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kedit::metrics {

/// A mean over records with the half-width 1.96 std / sqrt(n).
struct MeanScore {
  double value = 0.0;
  double half_width = 0.0;
  std::int64_t n = 0;
};

/// A score as tables show it. A harmonic mean of other scores has no interval and no count.
struct NamedScore {
  std::string name;  ///< "ES", "efficacy"
  double value = 0.0;
  std::optional<MeanScore> mean;
};

/// Metrics of probabilities as their origins report them: a mean per record, then over the records
/// that have an answer, and harmonic means of those behind. A score whose outputs are absent is
/// absent, never 0. In the order of tables.
std::vector<NamedScore> probability_scores(const std::vector<ScoredCase>& answered);

/// {"ES": {"value", "half_width95", "n"}, ...}
Json to_json(const std::vector<NamedScore>& scores);

/// Reads recorded probabilities, JSON lines or an array of {"case_id" or "number", ...} as
/// `read_probabilities` takes them. Throws `DataError` naming file, record and field, also for a
/// record that `cases`, read from `dataset`, do not have, or that comes twice.
std::vector<CaseOutputs> read_probability_predictions(const std::filesystem::path& file,
                                                      const std::vector<Case>& cases,
                                                      const std::string& dataset);

/// Zero, or the harmonic mean of positive numbers.
double harmonic_mean(const std::vector<double>& values);

}  // namespace kedit::metrics
