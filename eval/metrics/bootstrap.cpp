#include "eval/metrics/bootstrap.hpp"

#include "eval/metrics/probability_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace kedit {
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

}  // namespace

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

Interval Bootstrap::interval(const CaseScores& scores) const {
  check_size(scores, cases_);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(draws_));
  for (std::int64_t draw = 0; draw < draws_; ++draw) values.push_back(resampled(scores, draw));
  return percentiles(std::move(values));
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
  return percentiles(std::move(values));
}

Interval Bootstrap::paired_difference(const CaseScores& a, const CaseScores& b) const {
  check_size(a, cases_);
  check_size(b, cases_);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(draws_));
  for (std::int64_t draw = 0; draw < draws_; ++draw) {
    values.push_back(resampled(a, draw) - resampled(b, draw));
  }
  return percentiles(std::move(values));
}

}  // namespace kedit
