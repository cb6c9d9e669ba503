#pragma once

#include "eval/metrics/metrics.hpp"

#include <cstdint>
#include <vector>

namespace kedit {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

/// McNemar's exact test: two-sided probability of a split at least as uneven as this one when each
/// of the cases on which two systems differ falls to either with equal chances. 1 without any.
double mcnemar_p(std::int64_t only_first, std::int64_t only_second);

/// Percentile bootstrap over cases: cases are drawn with replacement, seeded, once for all metrics,
/// so that differences between systems are paired. 95 % intervals. Same seed, same numbers on every
/// machine.
class Bootstrap {
 public:
  /// Throws `EvalError` unless `cases` > 0 and `draws` > 0.
  Bootstrap(std::int64_t cases, std::int64_t draws, std::uint64_t seed);

  /// Of sum(hit) / sum(n). `scores` must hold one entry per case.
  Interval interval(const CaseScores& scores) const;
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

}  // namespace kedit
