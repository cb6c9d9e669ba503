#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <random>

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;
using Ids = std::vector<std::string>;

namespace {

// main: 1 2 | trial: 1 2 as well; then each goes its own way.
struct Fork {
  Fork() {
    base = store.commit_all({rank_one_delta(1), rank_one_delta(2)});
    store.create_branch("trial");
  }

  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  Ids base;
};

Ids live(const Store& store, const std::string& branch = "main") {
  return store.live(branch, kFingerprint);
}

std::string head_of(const Store& store, const std::string& name) {
  for (const BranchRecord& branch : store.branches()) {
    if (branch.name == name) return branch.head;
  }
  return "no such branch";
}

}  // namespace

TEST_CASE("Store merge: a branch without commits of its own is fast-forwarded") {
  Fork fork;
  const Ids theirs =
      fork.store.commit_all({rank_one_delta(3), rank_one_delta(4)}, {.branch = "trial"});
  const MergeResult result = fork.store.merge("trial", "main");
  CHECK(result.fast_forward);
  CHECK(result.applied == theirs);
  CHECK(result.commit == head_of(fork.store, "trial"));
  CHECK(head_of(fork.store, "main") == head_of(fork.store, "trial"));
  CHECK(live(fork.store) == live(fork.store, "trial"));
  CHECK(fork.store.merge("trial", "main").commit.empty());
  CHECK(fork.store.verify().empty());
}

TEST_CASE("Store merge: edits and reverts of the other branch are applied with their origin") {
  Fork fork;
  Store& store = fork.store;
  const std::string ours = store.commit(rank_one_delta(3));
  const std::string theirs = store.commit(rank_one_delta(4), {.branch = "trial"});
  store.revert(fork.base[0], "trial");
  const MergeResult result = store.merge("trial", "main", {.note = "both"});
  CHECK_FALSE(result.fast_forward);
  CHECK(result.applied == Ids{theirs});
  CHECK(result.reverted == Ids{fork.base[0]});
  CHECK(result.conflicts.empty());
  CHECK(live(store) == Ids{fork.base[1], ours, theirs});
  CHECK(head_of(store, "main") == result.commit);
  CHECK(store.verify().empty());

  // The other branch then has nothing of its own, and becomes what main is.
  CHECK(store.merge("trial", "main").commit.empty());
  store.create_branch("behind", "trial");
  CHECK(store.merge("main", "behind").fast_forward);
  CHECK(live(store, "behind") == live(store));
  CHECK(head_of(store, "behind") == result.commit);
  const std::string later = store.commit(rank_one_delta(5), {.branch = "trial"});
  CHECK(store.merge("trial", "main").applied == Ids{later});
  CHECK(store.verify().empty());
}

TEST_CASE("Store merge: a merged edit can be reverted and its revert merged back") {
  Fork fork;
  Store& store = fork.store;
  store.commit(rank_one_delta(3));
  const std::string theirs = store.commit(rank_one_delta(4), {.branch = "trial"});
  store.merge("trial", "main");
  store.revert(theirs);
  CHECK(error_of([&] { store.revert(theirs); }).kind() == Kind::conflict);
  const MergeResult back = store.merge("main", "trial");
  CHECK(back.reverted == Ids{theirs});
  CHECK(live(store, "trial") == live(store, "main"));
  CHECK(store.verify().empty());
}

TEST_CASE("Store merge: both sides may revert the same edit") {
  Fork fork;
  Store& store = fork.store;
  store.revert(fork.base[0]);
  store.commit(rank_one_delta(7), {.branch = "trial"});
  store.revert(fork.base[0], "trial");
  const std::string ours = store.commit(rank_one_delta(3));
  const MergeResult result = store.merge("trial", "main");
  CHECK(live(store) == Ids{fork.base[1], ours, result.applied.at(0)});
  CHECK(error_of([&] { store.revert(fork.base[0]); }).kind() == Kind::conflict);
  CHECK(store.verify() == Ids{});
}

TEST_CASE("Store merge: one edit id applied by different commits is listed and mounted once") {
  Fork fork;
  Store& store = fork.store;
  store.revert(fork.base[0], "trial");
  const std::string theirs = store.commit(rank_one_delta(3), {.branch = "trial"});
  const std::string ours = store.commit(rank_one_delta(3));
  REQUIRE(ours == theirs);  // after the same edits, though not after the same commits
  CHECK(store.merge("trial", "main").applied.empty());
  CHECK(live(store) == Ids{fork.base[1], ours});
  CHECK(store.log().size() == 3);
  CHECK(store.verify() == Ids{});
}

TEST_CASE("Store merge: equal edits with different ids are mounted once") {
  Fork fork;
  Store& store = fork.store;
  store.commit(rank_one_delta(8), {.branch = "trial"});
  const std::string theirs = store.commit(rank_one_delta(3), {.branch = "trial"});
  const std::string ours = store.commit(rank_one_delta(3));
  REQUIRE(theirs != ours);
  const MergeResult result = store.merge("trial", "main");
  CHECK(result.duplicates == Ids{theirs});
  CHECK(result.applied.size() == 1);
  const Ids mounted = live(store);
  CHECK(std::count(mounted.begin(), mounted.end(), ours) == 1);
  CHECK(std::count(mounted.begin(), mounted.end(), theirs) == 0);
  CHECK(store.verify() == Ids{});
}

TEST_CASE("Store merge: a contradiction is refused and changes nothing unless allowed") {
  Fork fork;
  Store& store = fork.store;
  const std::string ours = store.commit(claim_delta("Rome", "Gaul", 11));
  const std::string theirs = store.commit(claim_delta("ROME", "Persia", 12), {.branch = "trial"});
  const Ids before = live(store);
  const StoreError error = error_of([&] { store.merge("trial", "main"); });
  CHECK(error.kind() == Kind::conflict);
  for (const std::string& part :
       {std::string("merging trial into main"), ours, theirs, std::string("Gaul"),
        std::string("Persia"), std::string("same subject and prompt"),
        std::string("--allow-conflict")}) {
    CHECK(contains(error.what(), part));
  }
  CHECK(live(store) == before);
  const ConflictReport told = store.conflicts("main", {.with = "trial"});
  REQUIRE(told.conflicts.size() == 1);
  CHECK(told.conflicts[0].kind == ConflictKind::same_key);

  const MergeResult result = store.merge("trial", "main", {.allow_conflict = true});
  CHECK(result.conflicts.size() == 1);
  CHECK(live(store).size() == before.size() + 1);
  CHECK(store.verify().empty());
}

TEST_CASE("Store merge: a contradiction settled by a revert is none") {
  Fork fork;
  Store& store = fork.store;
  const std::string ours = store.commit(claim_delta("Rome", "Gaul", 11));
  store.commit(claim_delta("Rome", "Persia", 12), {.branch = "trial"});
  store.revert(ours);
  CHECK(store.merge("trial", "main").conflicts.empty());
  CHECK(store.verify().empty());
}

TEST_CASE("Store merge: a branch into itself and unknown branches are refused") {
  Fork fork;
  CHECK(error_of([&] { fork.store.merge("main", "main"); }).kind() == Kind::conflict);
  CHECK(error_of([&] { fork.store.merge("mian", "main"); }).kind() == Kind::absent);
  CHECK(error_of([&] { fork.store.merge("main", "mian"); }).kind() == Kind::absent);
}

TEST_CASE("Store merge: an empty branch can be either side") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  store.create_branch("empty");
  const std::string id = store.commit(rank_one_delta(1));
  CHECK(store.merge("empty", "main").commit.empty());
  CHECK(store.merge("main", "empty").applied == Ids{id});
  CHECK(store.verify().empty());
}

TEST_CASE(
    "Store merge: random histories of three branches give the same edits in either direction") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  std::mt19937 random(seed);
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  store.commit_all({rank_one_delta(1), rank_one_delta(2), rank_one_delta(3)});
  const Ids names{"main", "b", "c"};
  store.create_branch("b");
  store.create_branch("c");
  for (int step = 0; step < 40; ++step) {
    const std::string& name = names[random() % 3];
    const std::string& other = names[random() % 3];
    const Ids mounted = live(store, name);
    switch (random() % 4) {
      case 0:
        if (!mounted.empty()) store.revert(mounted[random() % mounted.size()], name);
        break;
      case 1:
        if (name != other) store.merge(other, name);
        break;
      default:
        store.commit(rank_one_delta(static_cast<int>(random() % 12)), {.branch = name});
    }
    REQUIRE(store.verify() == Ids{});
  }
  store.create_branch("left", "b");
  store.create_branch("right", "c");
  store.merge("c", "left");
  store.merge("b", "right");
  CHECK(store.verify() == Ids{});
  // The same requests are live either way; which of two equal edits stands for both may differ.
  const auto requests = [&](const std::string& name) {
    Ids subjects;
    for (const EditClaim& claim : store.claims(name)) subjects.push_back(claim.subject);
    std::sort(subjects.begin(), subjects.end());
    subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
    return subjects;
  };
  CHECK(requests("left") == requests("right"));
}

TEST_CASE("Store verify: a merge whose record is missing is found") {
  Fork fork;
  fork.store.commit(rank_one_delta(3));
  fork.store.commit(rank_one_delta(4), {.branch = "trial"});
  fork.store.merge("trial", "main");
  {
    Connection db(fork.directory / "a.db", Access::read_write, 0);
    db.execute("PRAGMA foreign_keys = OFF");
    CHECK_THROWS_AS(db.execute("UPDATE merges SET branch = 'x'"), StoreError);
    db.execute("DELETE FROM merges");
  }
  const Ids faults = fork.store.verify();
  REQUIRE(faults.size() == 1);
  CHECK(contains(faults[0], "expected what it merged, found none"));
}
