#include "eval/metrics/bootstrap.hpp"

#include "eval/metrics/probability_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace kedit::metrics {
namespace {

// std::uniform_int_distribution differs between libraries; the high product word does not.
std::size_t below(std::mt19937_64& generator, std::int64_t n) {
  const auto high = static_cast<std::uint64_t>(generator() >> 32U);
  return static_cast<std::size_t>((high * static_cast<std::uint64_t>(n)) >> 32U);
}

Interval percentiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    return values[static_cast<std::size_t>(std::lround(place))];
  };
  return {at(0.025), at(0.975)};
}

void check_size(const CaseScores& scores, std::int64_t cases) {
  if (static_cast<std::int64_t>(scores.size()) == cases) return;
  throw EvalError(
      fmt::format("resampling cases: expected {} scores, found {}", cases, scores.size()));
}

std::int64_t units_of(const CaseScores& scores) {
  return std::count_if(scores.begin(), scores.end(),
                       [](const CaseScore& one) { return one.n > 0; });
}

// The value that all units have, if they have one.
std::optional<double> common_value(const CaseScores& scores) {
  std::optional<double> common;
  for (const CaseScore& one : scores) {
    if (!(one.n > 0)) continue;
    const double value = one.hit / one.n;
    if (common && std::abs(value - *common) > 1e-12) return std::nullopt;
    if (!common) common = value;
  }
  return common;
}

// Case by case. Cases that one side lacks have no difference.
CaseScores differences(const CaseScores& a, const CaseScores& b) {
  CaseScores scores;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both = a[i].n > 0 && b[i].n > 0;
    scores.push_back(
        {a[i].case_id, both ? a[i].hit / a[i].n - b[i].hit / b[i].n : 0.0, both ? 1.0 : 0.0});
  }
  return scores;
}

Interval with_units(Interval interval, std::int64_t units) {
  interval.units = units;
  return interval;
}

}  // namespace

const char* to_string(IntervalMethod method) {
  return method == IntervalMethod::exact ? "Clopper-Pearson" : "percentile bootstrap";
}

const char* mark_of(IntervalMethod method) { return method == IntervalMethod::exact ? "*" : ""; }

std::string interval_note(const std::string& units) {
  return fmt::format(
      "95 % intervals: percentile bootstrap over {0}; where all {0} have the same value (all or "
      "none "
      "right), marked *, Clopper-Pearson with n the number of {0}",
      units);
}

Interval exact_interval(double value, std::int64_t units, const Bounds& bounds) {
  const double others = 1.0 - std::pow(0.025, 1.0 / static_cast<double>(units));
  return {value - others * (value - bounds.low), value + others * (bounds.high - value),
          IntervalMethod::exact, units};
}

double mcnemar_p(std::int64_t only_first, std::int64_t only_second) {
  const std::int64_t trials = only_first + only_second;
  if (trials <= 0) return 1.0;
  const auto n = static_cast<double>(trials);
  double tail = 0.0;
  for (std::int64_t i = 0; i <= std::min(only_first, only_second); ++i) {
    const auto k = static_cast<double>(i);
    tail += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2.0 * tail);
}

Bootstrap::Bootstrap(std::int64_t cases, std::int64_t draws, std::uint64_t seed)
    : cases_(cases), draws_(draws) {
  if (cases <= 0 || draws <= 0) {
    throw EvalError(
        fmt::format("resampling cases: expected at least one case and one draw, found "
                    "{} and {}",
                    cases, draws));
  }
  counts_.assign(static_cast<std::size_t>(cases * draws), 0);
  std::mt19937_64 generator(seed);
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    std::uint8_t* row = counts_.data() + draw * cases;
    for (std::int64_t i = 0; i < cases; ++i) {
      std::uint8_t& count = row[below(generator, cases)];
      // A case drawn more than 255 times in one resample does not happen in the life of the
      // universe.
      if (count < std::numeric_limits<std::uint8_t>::max()) ++count;
    }
  }
}

double Bootstrap::resampled(const CaseScores& scores, std::int64_t draw) const {
  const std::uint8_t* row = counts_.data() + draw * cases_;
  double hit = 0.0;
  double n = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    hit += row[i] * scores[i].hit;
    n += row[i] * scores[i].n;
  }
  return n > 0 ? hit / n : 0.0;
}

Interval Bootstrap::interval(const CaseScores& scores, const std::optional<Bounds>& bounds) const {
  check_size(scores, cases_);
  const std::optional<double> common = common_value(scores);
  if (common && bounds) return exact_interval(*common, units_of(scores), *bounds);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(draws_));
  for (std::int64_t draw = 0; draw < draws_; ++draw) values.push_back(resampled(scores, draw));
  return with_units(percentiles(std::move(values)), units_of(scores));
}

Interval Bootstrap::harmonic_interval(const std::vector<CaseScores>& parts) const {
  for (const CaseScores& scores : parts) check_size(scores, cases_);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(draws_));
  for (std::int64_t draw = 0; draw < draws_; ++draw) {
    std::vector<double> drawn;
    for (const CaseScores& scores : parts) drawn.push_back(resampled(scores, draw));
    values.push_back(harmonic_mean(drawn));
  }
  const std::int64_t units = parts.empty() ? 0 : units_of(parts.front());
  const Interval drawn = with_units(percentiles(std::move(values)), units);
  if (drawn.low < drawn.high) return drawn;
  // No resample differs: the mean grows with each of its parts, so their limits limit it.
  std::vector<double> lows, highs;
  for (const CaseScores& scores : parts) {
    const Interval part = interval(scores);
    lows.push_back(part.low);
    highs.push_back(part.high);
  }
  return {harmonic_mean(lows), harmonic_mean(highs), IntervalMethod::exact, units};
}

Interval Bootstrap::paired_difference(const CaseScores& a, const CaseScores& b) const {
  check_size(a, cases_);
  check_size(b, cases_);
  const CaseScores by_case = differences(a, b);
  if (const auto common = common_value(by_case)) {
    return exact_interval(*common, units_of(by_case), {-1.0, 1.0});
  }
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(draws_));
  for (std::int64_t draw = 0; draw < draws_; ++draw) {
    values.push_back(resampled(a, draw) - resampled(b, draw));
  }
  return with_units(percentiles(std::move(values)), units_of(by_case));
}

}  // namespace kedit::metrics
