#include "eval/metrics/bootstrap.hpp"

#include "tests/support/catch.hpp"

#include <cmath>
#include <utility>
#include <vector>

using namespace kedit;

namespace {

metrics::CaseScores coin(std::int64_t cases, std::int64_t hits) {
  metrics::CaseScores scores;
  for (std::int64_t i = 0; i < cases; ++i) scores.push_back({i, i < hits ? 1.0 : 0.0, 1.0});
  return scores;
}

}  // namespace

TEST_CASE("Bootstrap: the interval of a proportion is close to the normal approximation") {
  // 400 cases at 50 %: standard error 2.5 points, so 45.1 to 54.9.
  const metrics::Bootstrap bootstrap(400, 10000, 1);
  const metrics::Interval interval = bootstrap.interval(coin(400, 200));
  CHECK(interval.low == Approx(0.451).margin(0.006));
  CHECK(interval.high == Approx(0.549).margin(0.006));
}

TEST_CASE("Bootstrap: the same seed gives the same interval, and tells its method and units") {
  const metrics::CaseScores half = coin(50, 20);
  const metrics::Interval interval = metrics::Bootstrap(50, 500, 3).interval(half);
  CHECK(interval.low == metrics::Bootstrap(50, 500, 3).interval(half).low);
  CHECK(interval.method == metrics::IntervalMethod::bootstrap);
  CHECK(interval.units == 50);
}

TEST_CASE("Bootstrap: all or none right has Clopper and Pearson's limits over cases") {
  // Of tables: 30 of 30, 88.4 to 100; 10 of 10, 69.2 to 100; 1 of 1, 2.5 to 100.
  for (const auto& [cases, low] :
       std::vector<std::pair<std::int64_t, double>>{{30, 0.884297}, {10, 0.691503}, {1, 0.025}}) {
    CAPTURE(cases);
    const metrics::Bootstrap bootstrap(cases, 100, 3);
    const metrics::Interval all = bootstrap.interval(coin(cases, cases));
    CHECK(all.low == Approx(low).margin(1e-6));
    CHECK(all.high == 1.0);
    CHECK(all.method == metrics::IntervalMethod::exact);
    CHECK(all.units == cases);
    const metrics::Interval none = bootstrap.interval(coin(cases, 0));
    CHECK(none.low == 0.0);
    CHECK(none.high == Approx(1.0 - low).margin(1e-6));
  }
}

TEST_CASE("Bootstrap: three questions of a case are one unit, cases without any are none") {
  metrics::CaseScores scores;
  for (std::int64_t i = 0; i < 10; ++i) scores.push_back({i, 3.0, 3.0});
  scores.push_back({10, 0.0, 0.0});
  const metrics::Interval interval = metrics::Bootstrap(11, 100, 3).interval(scores);
  CHECK(interval.units == 10);
  CHECK(interval.low == Approx(0.691503).margin(1e-6));
}

TEST_CASE("Bootstrap: one value between the bounds has an interval on both sides, nats have none") {
  const metrics::CaseScores halves = {{1, 1.0, 2.0}, {2, 2.0, 4.0}};
  const metrics::Bootstrap bootstrap(2, 100, 3);
  const double others = 1.0 - std::sqrt(0.025);
  CHECK(bootstrap.interval(halves).low == Approx(0.5 - 0.5 * others));
  CHECK(bootstrap.interval(halves).high == Approx(0.5 + 0.5 * others));
  CHECK(bootstrap.interval(halves, metrics::Bounds{-1.0, 1.0}).low == Approx(0.5 - 1.5 * others));
  CHECK(bootstrap.interval(halves, std::nullopt).low == 0.5);
  CHECK(bootstrap.interval(halves, std::nullopt).method == metrics::IntervalMethod::bootstrap);
}

TEST_CASE("Bootstrap: a harmonic mean that no resample changes lies between its parts' limits") {
  const metrics::Interval sure =
      metrics::Bootstrap(30, 100, 3).harmonic_interval({coin(30, 30), coin(30, 30)});
  CHECK(sure.low == Approx(0.884297).margin(1e-6));
  CHECK(sure.high == 1.0);
  CHECK(sure.method == metrics::IntervalMethod::exact);
  const metrics::Interval zero =
      metrics::Bootstrap(30, 100, 3).harmonic_interval({coin(30, 15), coin(30, 0)});
  CHECK(zero.low == 0.0);
  CHECK(zero.high > 0.1);
}

TEST_CASE("Bootstrap: a paired difference has a narrower interval than a single method") {
  const metrics::CaseScores a = coin(200, 110);
  const metrics::CaseScores b = coin(200, 100);  // right wherever a is, but for ten cases
  const metrics::Bootstrap bootstrap(200, 5000, 5);
  const metrics::Interval paired = bootstrap.paired_difference(a, b);
  CHECK(paired.low > 0.0);
  CHECK(paired.high < 0.1);
  const metrics::Interval alone = bootstrap.interval(a);
  CHECK(paired.high - paired.low < alone.high - alone.low);
  // None of 200 cases differs: at most 1.8 % of all do.
  const metrics::Interval same = bootstrap.paired_difference(a, a);
  CHECK(same.low == Approx(-0.018275).margin(1e-6));
  CHECK(same.high == Approx(0.018275).margin(1e-6));
  CHECK(bootstrap.paired_difference(coin(200, 200), coin(200, 0)).high == 1.0);
}

TEST_CASE("Bootstrap: cases are weighted by their denominators") {
  const metrics::CaseScores scores = {{1, 4.0, 4.0}, {2, 0.0, 1.0}};
  CHECK(metrics::total(scores).value() == Approx(0.8));
  const metrics::Interval interval = metrics::Bootstrap(2, 2000, 1).interval(scores);
  CHECK(interval.low == 0.0);
  CHECK(interval.high == 1.0);
}

TEST_CASE("Bootstrap: no cases or missing cases are refused") {
  CHECK_THROWS_AS(metrics::Bootstrap(0, 10, 0), EvalError);
  CHECK_THROWS_AS(metrics::Bootstrap(3, 10, 0).interval(coin(2, 1)), EvalError);
}
