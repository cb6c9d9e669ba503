#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;

TEST_CASE("Store runs: results are ordered and a replaced one is listed once") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string run = store.begin_run("night", R"({"k":1})", R"({"h":2})", 6);
  store.put_results(run, {{"rome", 9, R"({"a":1})"}, {"rome", 2, R"({"a":2})"}});
  store.put_results(run, {{"control", 2, R"({"a":3})"}, {"rome", 9, R"({"a":4})"}});
  const auto results = store.results(run);
  REQUIRE(results.size() == 3);
  CHECK(results[0].system == "control");
  CHECK(results[1].case_id == 2);
  CHECK(results[2].payload == R"({"a":4})");
  CHECK(store.run(run)->done == 3);
  CHECK(store.run(run)->total == 6);
  CHECK(store.verify().empty());
}

TEST_CASE("Store runs: only an unfinished run with the same configuration is found for resuming") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string first = store.begin_run("night", "{}", "{}", 1);
  store.set_run_state(first, "done");
  CHECK_FALSE(store.unfinished_run("{}"));
  const std::string second = store.begin_run("night", "{}", "{}", 1);
  CHECK(first != second);
  REQUIRE(store.unfinished_run("{}"));
  CHECK(store.unfinished_run("{}")->id == second);
  store.set_run_state(second, "interrupted");
  CHECK(store.unfinished_run("{}")->state == "interrupted");
  CHECK_FALSE(store.unfinished_run("{}")->finished.empty());
  store.set_run_state(second, "running");
  CHECK(store.unfinished_run("{}")->finished.empty());
  CHECK_FALSE(store.unfinished_run(R"({"other":1})"));
}

TEST_CASE("Store runs: a run is found by id or prefix of the id or as the newest of its name") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string first = store.begin_run("night", "{}", "{}", 1);
  const std::string second = store.begin_run("night", "{}", "{}", 1);
  CHECK(store.run("night")->id == second);
  CHECK(store.run(first)->id == first);
  CHECK(store.run(first.substr(0, 8))->id == first);
  CHECK_FALSE(store.run("day"));
  CHECK_FALSE(store.run(""));
  REQUIRE(store.runs().size() == 2);
  CHECK(store.runs()[0].id == first);
}

TEST_CASE("Store runs: edits of a run are on no branch and a repeated edit is stored once") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string run = store.begin_run("night", "{}", "{}", 2);
  const auto ids = store.commit_for_run(run, {rank_one_delta(1), rank_one_delta(2)});
  CHECK(store.commit_for_run(run, {rank_one_delta(2), rank_one_delta(1)}) ==
        std::vector<std::string>{ids[1], ids[0]});
  CHECK(store.log().empty());
  CHECK(store.live("main", kFingerprint).empty());
  CHECK(same_delta(*store.find(ids[0]), rank_one_delta(1)));
  CHECK(store.record(ids[0])->parent.empty());
  CHECK(store.record(ids[0])->run == run);
  CHECK(store.history(ids[0]).empty());
  CHECK(store.resolve(ids[1].substr(0, 10)) == ids[1]);
  CHECK(store.commit(rank_one_delta(1)) != ids[0]);
  CHECK(store.verify().empty());
}

TEST_CASE("Store runs: an unknown run or an invalid state is refused") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string none = "0123456789ab";
  using Kind = StoreError::Kind;
  CHECK(error_of([&] { store.put_results(none, {}); }).kind() == Kind::absent);
  CHECK(error_of([&] { store.results(none); }).kind() == Kind::absent);
  CHECK(error_of([&] { store.set_run_state(none, "done"); }).kind() == Kind::absent);
  CHECK(error_of([&] { store.commit_for_run(none, {rank_one_delta(1)}); }).kind() == Kind::absent);
  const std::string run = store.begin_run("night", "{}", "{}", 2);
  CHECK(error_of([&] { store.set_run_state(run, "asleep"); }).kind() == Kind::conflict);
}
