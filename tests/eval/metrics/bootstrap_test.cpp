#include "eval/metrics/bootstrap.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

namespace {

CaseScores coin(std::int64_t cases, std::int64_t hits) {
  CaseScores scores;
  for (std::int64_t i = 0; i < cases; ++i) scores.push_back({i, i < hits ? 1.0 : 0.0, 1.0});
  return scores;
}

}  // namespace

TEST_CASE("an interval of a share is near the normal one") {
  // 400 cases at 50 %: standard error 2.5 points, so 45.1 to 54.9.
  const Bootstrap bootstrap(400, 10000, 1);
  const Interval interval = bootstrap.interval(coin(400, 200));
  CHECK(interval.low == Approx(0.451).margin(0.006));
  CHECK(interval.high == Approx(0.549).margin(0.006));
}

TEST_CASE("the same seed gives the same interval, certainty gives none") {
  const CaseScores half = coin(50, 20);
  CHECK(Bootstrap(50, 500, 3).interval(half).low == Bootstrap(50, 500, 3).interval(half).low);
  const Interval sure = Bootstrap(50, 500, 3).interval(coin(50, 50));
  CHECK(sure.low == 1.0);
  CHECK(sure.high == 1.0);
}

TEST_CASE("paired differences profit from what the systems share") {
  const CaseScores a = coin(200, 110);
  const CaseScores b = coin(200, 100);  // right wherever a is, but for ten cases
  const Bootstrap bootstrap(200, 5000, 5);
  const Interval paired = bootstrap.paired_difference(a, b);
  CHECK(paired.low > 0.0);
  CHECK(paired.high < 0.1);
  const Interval alone = bootstrap.interval(a);
  CHECK(paired.high - paired.low < alone.high - alone.low);
  CHECK(bootstrap.paired_difference(a, a).high == 0.0);
}

TEST_CASE("cases weigh by their denominators") {
  const CaseScores scores = {{1, 4.0, 4.0}, {2, 0.0, 1.0}};
  CHECK(total(scores).value() == Approx(0.8));
  const Interval interval = Bootstrap(2, 2000, 1).interval(scores);
  CHECK(interval.low == 0.0);
  CHECK(interval.high == 1.0);
}

TEST_CASE("resampling nothing is refused") {
  CHECK_THROWS_AS(Bootstrap(0, 10, 0), EvalError);
  CHECK_THROWS_AS(Bootstrap(3, 10, 0).interval(coin(2, 1)), EvalError);
}
