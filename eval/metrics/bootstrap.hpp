#pragma once

#include "eval/metrics/metrics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::metrics {

enum class IntervalMethod {
  bootstrap,  ///< Percentiles of totals over resampled units.
  exact,      ///< All units have one value, so that every resample has it: Clopper-Pearson.
};
/// "percentile bootstrap", "Clopper-Pearson"
const char* to_string(IntervalMethod method);
/// What stands behind a number that has an exact interval, in tables: "*"; else nothing.
const char* mark_of(IntervalMethod method);

/// A 95 % interval.
struct Interval {
  double low = 0.0;
  double high = 0.0;
  IntervalMethod method = IntervalMethod::bootstrap;
  std::int64_t units = 0;  ///< What was drawn, cases or subjects: those that have a value.
};

/// How both kinds are made, for reports: one sentence with `units` ("cases") in it.
std::string interval_note(const std::string& units);

/// What the value of one unit lies between.
struct Bounds {
  double low = 0.0;
  double high = 1.0;
};

/// Of a mean over units in `bounds` of which `units` were seen, all with the same `value`: with
/// 97.5 % confidence not more than 1 - 0.025^(1/units) of all units have another one (Clopper and
/// Pearson's limit for none of n), and those lie within the bounds. 30 right of 30: 0.884 to 1.
Interval exact_interval(double value, std::int64_t units, const Bounds& bounds = {});

/// McNemar's exact test: two-sided probability of a split at least as uneven as this one when each
/// of the cases on which two systems differ falls to either with equal chances. 1 without any.
double mcnemar_p(std::int64_t only_first, std::int64_t only_second);

/// Percentile bootstrap over cases: cases are drawn with replacement, seeded, once for all metrics,
/// so that differences between systems are paired. 95 % intervals. A case is one unit however many
/// questions it has, for they stand and fall together. Where all cases have one value (all or none
/// right) every resample is the same and says nothing: `exact_interval` then. Same seed, same
/// numbers on every machine.
class Bootstrap {
 public:
  /// Throws `EvalError` unless `cases` > 0 and `draws` > 0.
  Bootstrap(std::int64_t cases, std::int64_t draws, std::uint64_t seed);

  /// Of sum(hit) / sum(n). `scores` must hold one entry per case. Without bounds (nats) there is no
  /// exact interval.
  Interval interval(const CaseScores& scores, const std::optional<Bounds>& bounds = Bounds{}) const;
  /// Of the harmonic mean of several such totals; 0 where one of them is not positive.
  Interval harmonic_interval(const std::vector<CaseScores>& parts) const;
  /// Of the difference a - b on the same cases in the same order.
  Interval paired_difference(const CaseScores& a, const CaseScores& b) const;

 private:
  double resampled(const CaseScores& scores, std::int64_t draw) const;

  std::int64_t cases_;
  std::int64_t draws_;
  std::vector<std::uint8_t> counts_;  // [draws, cases]: how often each case was drawn
};

}  // namespace kedit::metrics
