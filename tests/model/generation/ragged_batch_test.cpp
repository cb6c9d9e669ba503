#include "model/generation/ragged_batch.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace kedit::generation;

namespace {

std::vector<TokenIds> rows_of(const std::vector<std::size_t>& lengths) {
  std::vector<TokenIds> rows;
  for (const std::size_t length : lengths) rows.emplace_back(length, 1);
  return rows;
}

}  // namespace

TEST_CASE("group_by_length: every row is in one group, and large groups hold little padding") {
  std::vector<std::size_t> lengths;
  for (std::size_t i = 0; i < 300; ++i) lengths.push_back(10 + i * 7919 % 41);
  const auto rows = rows_of(lengths);
  const std::vector<std::int64_t> wanted(rows.size(), 1);
  std::set<std::size_t> seen;
  for (const auto& group : group_by_length(rows, wanted, 1000, {})) {
    const std::size_t width = rows[group.front()].size();
    std::size_t tokens = 0;
    for (const std::size_t row : group) {
      CHECK(seen.insert(row).second);
      CHECK(rows[row].size() <= width);
      CHECK(2 * rows[row].size() >= width);
      tokens += rows[row].size();
    }
    CHECK(group.size() <= 64);
    if (group.size() * width > 256) CHECK(16 * (group.size() * width - tokens) <= 2 * 256 + tokens);
  }
  CHECK(seen.size() == rows.size());
}

TEST_CASE("group_by_length: a few rows of different lengths run together") {
  const auto rows = rows_of({12, 9, 11, 8, 7});
  const auto groups = group_by_length(rows, {1, 1, 1, 1, 1}, 1000, {});
  REQUIRE(groups.size() == 1);
  CHECK(groups.front() == std::vector<std::size_t>{0, 2, 1, 3, 4});
}
