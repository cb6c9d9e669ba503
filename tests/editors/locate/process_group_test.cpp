#include "editors/locate/process_group.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <thread>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;
using namespace std::chrono_literals;

TEST_CASE("ProcessGroup: sums of all are in all, and the first one is heard") {
  const std::uint16_t port = free_port();
  const auto part = [port](std::int64_t rank, std::string* heard, at::Tensor* sum) {
    ProcessGroup group({rank, 3, "127.0.0.1", port}, 20s);
    *heard = group.from_first("topic", "said by " + std::to_string(rank));
    *sum = at::full({1000, 7}, 1.5 + static_cast<double>(rank), at::kDouble);
    group.sum({*sum});
  };
  std::string heard[3];
  at::Tensor sums[3];
  std::thread second([&] { part(1, &heard[1], &sums[1]); });
  std::thread third([&] { part(2, &heard[2], &sums[2]); });
  part(0, &heard[0], &sums[0]);
  second.join();
  third.join();
  for (int rank = 0; rank < 3; ++rank) {
    CHECK(heard[rank] == "said by 0");
    CHECK(sums[rank].eq(7.5).all().item<bool>());
  }
}

TEST_CASE("ProcessGroup: whoever waits in vain gives up in time and says for whom") {
  const std::uint16_t port = free_port();
  const auto rank = GENERATE(std::int64_t{0}, std::int64_t{1});
  const auto begun = std::chrono::steady_clock::now();
  const std::string message = thrown_message<ProcessGroupError>([&] {
    ProcessGroup({rank, 2, "127.0.0.1", port}, 1s);
  });
  CHECK(std::chrono::steady_clock::now() - begun < 15s);
  CHECK(
      contains(message, "joining the other processes: process " + std::to_string(rank) + " of 2"));
  CHECK(contains(message, "127.0.0.1:" + std::to_string(port)));
  CHECK(contains(message, "within 1 s"));
}

TEST_CASE("ProcessPlace: the meeting place comes from the environment") {
  ::setenv("MASTER_ADDR", "node7", 1);
  ::setenv("MASTER_PORT", "4321", 1);
  CHECK(ProcessPlace::among(1, 2).host == "node7");
  CHECK(ProcessPlace::among(1, 2).port == 4321);
  ::setenv("MASTER_PORT", "99999", 1);
  CHECK_THROWS_AS(ProcessPlace::among(1, 2), ProcessGroupError);
  ::unsetenv("MASTER_ADDR");
  ::unsetenv("MASTER_PORT");
}
