#include "eval/metrics/probability_metrics.hpp"

#include "eval/metrics/old_outputs.hpp"
#include "eval/score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace kedit::metrics {
namespace {

MeanScore mean_of(const std::vector<double>& values) {
  MeanScore score;
  score.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return score;
  const auto n = static_cast<double>(values.size());
  double sum = 0.0, squares = 0.0;
  for (const double value : values) sum += value;
  score.value = sum / n;
  for (const double value : values) squares += (value - score.value) * (value - score.value);
  score.half_width = 1.96 * std::sqrt(squares / n) / std::sqrt(n);
  return score;
}

// Of the records that were asked what the metric needs.
std::optional<MeanScore> mean_over(const std::string& metric,
                                   const std::vector<ScoredCase>& answered) {
  std::vector<double> values;
  for (const ScoredCase& one : answered) {
    const auto scores = case_scores(metric, {one});
    if (scores && scores->front().n > 0.0) values.push_back(scores->front().hit);
  }
  if (values.empty()) return std::nullopt;
  return mean_of(values);
}

std::int64_t number_of(const JsonView& record) {
  return record.at(record.has("case_id") ? "case_id" : "number").integer();
}

const Case& case_numbered(const std::map<std::int64_t, const Case*>& cases, std::int64_t number,
                          const std::string& dataset) {
  const auto found = cases.find(number);
  if (found != cases.end()) return *found->second;
  throw DataError(
      fmt::format("scoring predictions: {}: expected a record of {}, which has none of that number",
                  number, dataset));
}

}  // namespace

double harmonic_mean(const std::vector<double>& values) {
  double inverse = 0.0;
  for (const double value : values) {
    if (value <= 0.0) return 0.0;
    inverse += 1.0 / value;
  }
  return values.empty() ? 0.0 : static_cast<double>(values.size()) / inverse;
}

std::vector<NamedScore> probability_scores(const std::vector<ScoredCase>& answered) {
  std::vector<NamedScore> scores;
  std::map<std::string, double> values;
  for (const MetricInfo& info : known_metrics()) {
    if (info.basis != MetricBasis::probabilities || !info.harmonic_of.empty()) continue;
    const auto mean = mean_over(info.name, answered);
    if (!mean) continue;
    scores.push_back({info.short_name, mean->value, mean});
    values[info.name] = mean->value;
  }
  for (const MetricInfo& info : known_metrics()) {
    std::vector<double> parts;
    for (const std::string& part : info.harmonic_of) {
      if (values.count(part) > 0) parts.push_back(values.at(part));
    }
    if (parts.empty() || parts.size() < info.harmonic_of.size()) continue;
    scores.push_back({info.short_name, harmonic_mean(parts), std::nullopt});
  }
  return scores;
}

std::vector<CaseOutputs> read_probability_predictions(const std::filesystem::path& file,
                                                      const std::vector<Case>& cases,
                                                      const std::string& dataset) {
  std::map<std::int64_t, const Case*> known;
  for (const Case& one : cases) known.emplace(one.id, &one);
  std::set<std::int64_t> seen;
  std::vector<CaseOutputs> outputs;
  try {
    const std::vector<Json> records = read_records_or_lines(file);
    for (std::size_t i = 0; i < records.size(); ++i) {
      const JsonView record(records[i], file.string(), fmt::format("/{}", i));
      const std::int64_t number = number_of(record);
      const Case& of = case_numbered(known, number, dataset);
      if (!seen.insert(number).second) {
        throw DataError(fmt::format("scoring predictions: {}: expected once, found twice", number));
      }
      outputs.emplace_back();
      outputs.back().case_id = number;
      read_probabilities(record, of, &outputs.back());
    }
  } catch (const JsonError& error) {
    throw DataError(error.what());
  } catch (const EvalError& error) {
    throw DataError(error.what());
  }
  return outputs;
}

Json to_json(const std::vector<NamedScore>& scores) {
  Json out = Json::object();
  for (const NamedScore& one : scores) {
    out[one.name] = {{"value", one.value}};
    if (!one.mean) continue;
    out[one.name]["half_width95"] = one.mean->half_width;
    out[one.name]["n"] = one.mean->n;
  }
  return out;
}

}  // namespace kedit::metrics
