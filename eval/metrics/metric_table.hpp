#pragma once

#include "eval/metrics/metrics.hpp"

#include <string>
#include <utility>
#include <vector>

// What the files of metrics share: a row of the table and how one is read.

namespace kedit::metrics {

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

/// Those of MQuAKE and its successors, over edits, questions and paths.
std::vector<Metric> multi_hop_metrics();
std::vector<Metric> counterfact_metrics();
std::vector<Metric> zsre_metrics();

inline double as_number(bool yes) { return yes ? 1.0 : 0.0; }

/// Share of the text's tokens that are the most probable ones under teacher forcing.
double share(const ForcedScore& score);

/// A prompt's gold and, where it has one, its rival.
using ForcedValue = double (*)(const ForcedScore& gold, const ForcedScore* rival);

/// Mean over the prompts of a kind that are (not) compared with a rival. A case without such
/// prompts does not count; one that nobody answered is a miss.
Measured mean_forced(const JudgedCase& one, PromptKind kind, bool compared, ForcedValue value);

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

}  // namespace kedit::metrics
