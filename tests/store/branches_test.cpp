#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;
using Ids = std::vector<std::string>;

namespace {

BranchRecord branch_named(const Store& store, const std::string& name) {
  for (const BranchRecord& branch : store.branches()) {
    if (branch.name == name) return branch;
  }
  throw std::runtime_error("no branch " + name);
}

}  // namespace

TEST_CASE("Store branches: a new store has the branch main and it is checked out") {
  TemporaryDirectory directory;
  const Store store = new_store(directory / "a.db");
  REQUIRE(store.branches().size() == 1);
  const BranchRecord main = branch_named(store, "main");
  CHECK(main.is_current);
  CHECK(main.head.empty());
  CHECK(main.commits == 0);
  CHECK(store.current_branch() == "main");
}

TEST_CASE("Store branches: a new branch may start at an edit or commit of another") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const Ids ids = store.commit_all({rank_one_delta(1), rank_one_delta(2), rank_one_delta(3)});
  const std::string revert = store.revert(ids[0]);
  store.create_branch("second", "main", ids[1].substr(0, 8));
  CHECK(store.live("second", kFingerprint) == Ids{ids[0], ids[1]});
  CHECK(branch_named(store, "second").head == store.history(ids[1]).front().id);
  store.create_branch("reverted", "main", revert);
  CHECK(store.live("reverted", kFingerprint) == Ids{ids[1], ids[2]});
  CHECK(branch_named(store, "reverted").commits == 4);
  CHECK(branch_named(store, "reverted").edits == 3);
  CHECK(branch_named(store, "reverted").live == 2);

  // An edit that the starting branch lacks is looked for on the others.
  const std::string other = store.commit(rank_one_delta(4), {.branch = "second"});
  store.create_branch("third", "main", other);
  CHECK(store.live("third", kFingerprint) == Ids{ids[0], ids[1], other});
  CHECK(error_of([&] { store.create_branch("x", "main", "ffffffffffff"); }).kind() == Kind::absent);
  CHECK(store.verify().empty());
}

TEST_CASE("Store branches: an edit of a run is on no branch and cannot start one") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string run = store.begin_run("night", "{}", "{}", 1);
  const Ids ids = store.commit_for_run(run, {rank_one_delta(1)});
  const StoreError error = error_of([&] { store.create_branch("x", "main", ids[0]); });
  CHECK(error.kind() == Kind::absent);
  CHECK(contains(error.what(), "is on no branch"));
  CHECK(store.branches().size() == 1);
}

TEST_CASE("Store checkout: the current branch is kept in the file") {
  TemporaryDirectory directory;
  {
    Store store = new_store(directory / "a.db");
    store.create_branch("trial");
    store.checkout("trial");
  }
  Store store = Store::open(directory / "a.db");
  CHECK(store.current_branch() == "trial");
  CHECK(branch_named(store, "trial").is_current);
  CHECK_FALSE(branch_named(store, "main").is_current);
  CHECK(error_of([&] { store.checkout("mian"); }).kind() == Kind::absent);
  CHECK(store.current_branch() == "trial");
}

TEST_CASE(
    "Store branches: names that are empty or too long or hold blanks or controls are refused") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string name = GENERATE(as<std::string>{}, "", "-x", "a b", "a,b", "a\nb", "\x1b[31m",
                                    std::string(101, 'x'));
  const StoreError error = error_of([&] { store.create_branch(name); });
  CHECK(error.kind() == Kind::unusable);
  CHECK(contains(error.what(), "name of a branch: expected 1 to 100 bytes"));
  CHECK(store.branches().size() == 1);
}

TEST_CASE("Store branches: deleting one keeps its edits and the current branch cannot be deleted") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  store.create_branch("trial");
  const std::string id = store.commit(rank_one_delta(1), {.branch = "trial"});
  store.checkout("trial");
  CHECK(error_of([&] { store.delete_branch("trial"); }).kind() == Kind::conflict);
  store.checkout("main");
  store.delete_branch("trial");
  CHECK(store.branches().size() == 1);
  CHECK(store.find(id));
  CHECK(store.history(id).empty());
  CHECK(error_of([&] { store.delete_branch("trial"); }).kind() == Kind::absent);
  CHECK(store.verify().empty());
}

TEST_CASE("Store diff: edits live on one side only and contradictions are listed") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const Ids base = store.commit_all({rank_one_delta(1), rank_one_delta(2)});
  store.create_branch("trial");
  const std::string ours = store.commit(claim_delta("Rome", "Gaul", 11));
  const std::string theirs = store.commit(claim_delta("rome", "Persia", 12), {.branch = "trial"});
  store.revert(base[0], "trial");
  const BranchDiff diff = store.diff("main", "trial");
  CHECK(diff.common == 1);
  CHECK(diff.a.only == Ids{base[0], ours});
  CHECK(diff.b.only == Ids{theirs});
  CHECK(diff.b.reverted == Ids{base[0]});
  CHECK(diff.a.reverted.empty());
  CHECK(diff.ancestor == store.history(base[1]).front().id);
  REQUIRE(diff.contradictions.size() == 1);
  CHECK(diff.contradictions[0].claims[0].edit == ours);
  CHECK(diff.contradictions[0].claims[1].edit == theirs);

  const BranchDiff of_edits = store.diff(base[0], base[1].substr(0, 9));
  CHECK(of_edits.common == 1);
  CHECK(of_edits.a.only.empty());
  CHECK(of_edits.b.only == Ids{base[1]});
  CHECK(error_of([&] { store.diff("main", "mian"); }).kind() == Kind::absent);
  CHECK(error_of([&] { store.diff("main", "ffffffff"); }).kind() == Kind::absent);
}

TEST_CASE("Store diff: a branch without commits differs from one with commits") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  store.create_branch("empty");
  const std::string id = store.commit(rank_one_delta(1));
  const BranchDiff diff = store.diff("empty", "main");
  CHECK(diff.common == 0);
  CHECK(diff.a.only.empty());
  CHECK(diff.b.only == Ids{id});
  CHECK(diff.ancestor.empty());
  CHECK(diff.a.head.empty());
}
