#include "eval/protocol/grouping.hpp"

#include "edits/hash.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/protocol/contamination.hpp"
#include "eval/protocol/python_random.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>
#include <set>

using namespace kedit;

namespace {

std::vector<std::int64_t> ids_up_to(std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{1});
  return ids;
}

}  // namespace

TEST_CASE("PythonRandom: 32-bit draws equal Python's") {
  // python3: random.seed(0); [random.getrandbits(32) for _ in range(3)]
  protocol::PythonRandom zero(0);
  CHECK(zero.next() == 3626764237U);
  CHECK(zero.next() == 1654615998U);
  CHECK(zero.next() == 3255389356U);
  // A seed of two words: random.seed(2**40 + 5); random.getrandbits(32)
  CHECK(protocol::PythonRandom((std::uint64_t{1} << 40U) + 5U).next() == 2166296868U);
}

TEST_CASE("Grouping seed0: the order of 3000 cases is the published one") {
  const auto groups = protocol::group_cases(ids_up_to(3000), {protocol::Grouping::seed0, 1, 0});
  REQUIRE(groups.size() == 3000);
  std::vector<std::int64_t> order;
  for (const auto& group : groups) order.push_back(group.front());
  const std::vector<std::int64_t> first(order.begin(), order.begin() + 10);
  CHECK(first == std::vector<std::int64_t>{2640, 248, 2121, 825, 2014, 713, 1872, 562, 595, 1554});
  const std::vector<std::int64_t> last(order.end() - 4, order.end());
  CHECK(last == std::vector<std::int64_t>{1061, 166, 1723, 1578});
  CHECK(sha256_hex(fmt::format("{}", fmt::join(order, ","))) ==
        "f5630176d6bf0593fb034bba899b8d67da2f4acb570065a3760d34a737bc8292");
}

TEST_CASE("Grouping rem: samples equal Python's") {
  // python3: random.seed(100); random.sample(range(1, 3001), 100)[:3], and the same for 1000, 3000;
  // random.seed(100); random.sample(range(20), 4) -- the small population takes the other way
  for (const std::int64_t size : {100, 1000, 0}) {
    const auto groups =
        protocol::group_cases(ids_up_to(3000), {protocol::Grouping::rem, size, 100});
    REQUIRE(groups.size() == 1);
    CHECK(std::vector<std::int64_t>(groups[0].begin(), groups[0].begin() + 3) ==
          std::vector<std::int64_t>{597, 1883, 1864});
    CHECK(protocol::unedited_cases(ids_up_to(3000), {protocol::Grouping::rem, size, 100}).size() ==
          3000 - groups[0].size());
  }
  CHECK(protocol::PythonRandom(100).sample(20, 4) == std::vector<std::uint32_t>{4, 14, 18, 5});
  CHECK(protocol::PythonRandom(100).sample(5, 5).size() == 5);
}

TEST_CASE("Grouping poke: stratified folds are the published ones") {
  struct Row {
    std::int64_t size;
    std::string digest;
  };
  const auto row = GENERATE(
      values<Row>({{100, "da88ebadd62f7646b5e23d6ae343e16a952cf69c5a25bbedaf035c73bdf649ef"},
                   {1000, "e620f57cbb48e7cc87b8e4b97e66a63c84814dcdfe4d5497d4a1ad7cd564465b"}}));
  const auto folds =
      protocol::group_cases(ids_up_to(3000), {protocol::Grouping::poke, row.size, 42});
  CHECK(protocol::grouping_hash(folds) == row.digest);
  if (row.size == 100) {
    CHECK(std::vector<std::int64_t>(folds[0].begin(), folds[0].begin() + 6) ==
          std::vector<std::int64_t>{55, 56, 58, 139, 201, 226});
  }
  CHECK(protocol::group_cases(ids_up_to(5), {protocol::Grouping::poke, 1, 42}).at(2).front() == 3);
}

TEST_CASE("as_unedited: an unedited case keeps only its old chain") {
  const Case one = as_unedited(testing::two_hop_case(1));
  CHECK(one.edits.empty());
  CHECK(one.count(PromptKind::edit) == 0);
  CHECK(one.find(PromptKind::question, 2)->gold.answer == "Dorel");
  CHECK(one.find(PromptKind::hop_question, 0)->gold.answer == "Avia");
  CHECK(one.find(PromptKind::hop_cloze, 1)->gold.answer == "Dorel");
  CHECK(one.find(PromptKind::old_hop_question, 1)->gold.answer == "Dorel");
  CHECK(one.after[1].ids.object == "Q3");
  CHECK(protocol::contaminated(one, protocol::edit_pool({})) == false);
  const Case edited = testing::two_hop_case(1);
  CHECK(protocol::contaminated(one, protocol::edit_pool({&edited})));
}

TEST_CASE("Contamination: entities of one label are told apart by ids and not by label") {
  const Case a = testing::two_hop_case(1);
  Case b = testing::two_hop_case(2);
  b.edits[0].subject = a.edits[0].subject;
  b.edits[0].target_new = "Corsica";
  CHECK_FALSE(protocol::contaminated(a, protocol::edit_pool({&a, &b})));
  CHECK(protocol::contaminated_by_label(a, protocol::label_pool({&a, &b})));
  CHECK_FALSE(protocol::contaminated_by_label(a, protocol::label_pool({&a})));
}

TEST_CASE("group_cases: groups are contiguous and hold every case once") {
  const auto size = GENERATE(std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, std::int64_t{100});
  const auto grouping = GENERATE(protocol::Grouping::seed0, protocol::Grouping::file);
  const auto groups = protocol::group_cases(ids_up_to(101), {grouping, size, 0});
  std::multiset<std::int64_t> seen;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    seen.insert(groups[i].begin(), groups[i].end());
    if (size > 0 && i + 1 < groups.size())
      CHECK(groups[i].size() == static_cast<std::size_t>(size));
  }
  const auto all = ids_up_to(101);
  CHECK(seen == std::multiset<std::int64_t>(all.begin(), all.end()));
  if (size == 0) CHECK(groups.size() == 1);
  if (grouping == protocol::Grouping::file && size == 100) CHECK(groups[1].front() == 101);
}

TEST_CASE("group_cases: a negative group size is refused") {
  CHECK_THROWS_AS(protocol::group_cases({1}, {protocol::Grouping::file, -1, 0}), EvalError);
}

TEST_CASE("pool_of: every distinct edit is listed once in order") {
  const Case a = testing::two_hop_case(1);
  const Case b = testing::capital_case(2);
  const auto pool = protocol::pool_of({&a, &b, &a});
  REQUIRE(pool.size() == 2);
  CHECK(pool[0].subject == "Person 1");
  CHECK(pool[1].target_new == "Fenwick");
}

TEST_CASE("Contamination: another case's edit contaminates a case and its own edits do not") {
  const Case a = testing::two_hop_case(1);
  const Case b = testing::capital_case(2);
  CHECK_FALSE(protocol::contaminated(a, protocol::edit_pool({&a})));
  CHECK_FALSE(protocol::contaminated(b, protocol::edit_pool({&b})));
  CHECK(protocol::contradicted_hops(a, protocol::edit_pool({&a, &b})) ==
        std::vector<std::int64_t>{1});
  CHECK_FALSE(protocol::contaminated(b, protocol::edit_pool({&a, &b})));
  Dataset dataset;
  dataset.cases = {a, b};
  CHECK(protocol::contaminated_cases(dataset, {{1, 2}}) == std::set<std::int64_t>{1});
  CHECK(protocol::contaminated_cases(dataset, {{1}, {2}}).empty());
}
