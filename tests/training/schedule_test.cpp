#include "training/schedule.hpp"

#include "tests/support/catch.hpp"

using kedit::learning_rate_at;

TEST_CASE("Learning rate schedule: the rate warms up and stays and falls to its final share",
          "[schedule]") {
  kedit::TrainOptions options;
  options.steps = 1000;
  options.warmup_steps = 50;
  options.learning_rate = 2.0;
  CHECK(learning_rate_at(options, 0) == Approx(2.0 / 50));
  CHECK(learning_rate_at(options, 24) == Approx(1.0));
  CHECK(learning_rate_at(options, 49) == Approx(2.0));
  CHECK(learning_rate_at(options, 399) == Approx(2.0));
  CHECK(learning_rate_at(options, 699) == Approx(2.0 * (1.0 - 0.98 / 2)));
  CHECK(learning_rate_at(options, 999) == Approx(2.0 * 0.02));
}

TEST_CASE("Learning rate schedule: a run shorter than its warm-up never reaches the full rate",
          "[schedule]") {
  kedit::TrainOptions options;
  options.steps = 10;
  options.warmup_steps = 60;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    CHECK(learning_rate_at(options, step) <= options.learning_rate * 10.0 / 60.0 + 1e-12);
    CHECK(learning_rate_at(options, step) > 0.0);
  }
}
