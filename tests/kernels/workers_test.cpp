#include "kernels/workers.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

using kedit::kernels::run_workers;

TEST_CASE("run_workers: every worker runs once") {
  const std::int64_t workers = GENERATE(0, 1, 2, 7);
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(workers));
  run_workers(workers, [&](std::int64_t worker) { ++runs.at(static_cast<std::size_t>(worker)); });
  for (const auto& count : runs) CHECK(count == 1);
}

TEST_CASE("run_workers: an exception reaches the caller after all other workers have ended") {
  std::atomic<int> ended = 0;
  const auto run = [&](std::int64_t worker) {
    if (worker >= 2) throw std::runtime_error("worker " + std::to_string(worker));
    ++ended;
  };
  CHECK_THROWS_WITH(run_workers(4, run), "worker 2");
  CHECK(ended == 2);
}
