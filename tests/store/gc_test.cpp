#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::test;
using Ids = std::vector<std::string>;

namespace {

Ids ids_of(const GarbageReport& report) {
  Ids ids;
  for (const EditRecord& record : report.edits) ids.push_back(record.id);
  return ids;
}

// main: two edits, the first reverted; a run with one edit; a deleted branch with two of its own.
struct Littered {
  Littered() {
    kept = store.commit_all({rank_one_delta(1), rank_one_delta(2)});
    store.revert(kept[0]);
    run = store.begin_run("night", "{}", "{}", 1);
    kept.push_back(store.commit_for_run(run, {rank_one_delta(9)}).front());
    store.create_branch("trial");
    litter = store.commit_all({rank_one_delta(3, 3000, 2000), fact_delta(4)}, {.branch = "trial"});
  }

  TemporaryDirectory directory;
  std::filesystem::path file = directory / "a.db";
  Store store = new_store(file);
  std::string run;
  Ids kept, litter;
};

}  // namespace

TEST_CASE("Store gc: edits of branches and runs are kept whether reverted or not") {
  Littered littered;
  CHECK(ids_of(littered.store.collect_garbage()).empty());
  for (const std::string& id : littered.litter) CHECK(littered.store.find(id));
}

TEST_CASE("Store gc: only edits and commits of a deleted branch are removed") {
  Littered littered;
  Store& store = littered.store;
  store.delete_branch("trial");
  const GarbageReport told = store.collect_garbage(true);
  CHECK(ids_of(told) == littered.litter);
  CHECK(told.commits == 2);
  CHECK(told.factor_bytes > 20000);
  CHECK(store.find(littered.litter[0]));  // a dry run removes nothing

  const GarbageReport report = store.collect_garbage();
  CHECK(ids_of(report) == littered.litter);
  CHECK(report.compacted);
  CHECK(report.bytes_after < report.bytes_before);
  for (const std::string& id : littered.litter) CHECK_FALSE(store.find(id));
  for (const std::string& id : littered.kept) {
    CHECK(store.find(id));
    CHECK(store.record(id));
  }
  CHECK(store.history(littered.kept[0]).size() == 2);
  CHECK(store.verify() == Ids{});
  CHECK(store.collect_garbage().edits.empty());
  CHECK_NOTHROW(store.commit(rank_one_delta(30)));
}

TEST_CASE("Store gc: merged edits stay after their first branch is deleted") {
  Littered littered;
  Store& store = littered.store;
  store.commit(rank_one_delta(20));
  store.merge("trial", "main");
  store.delete_branch("trial");
  CHECK(store.collect_garbage().edits.empty());
  CHECK(store.verify() == Ids{});
}

TEST_CASE("Store gc: a store that another process is writing to is left unchanged") {
  Littered littered;
  littered.store.delete_branch("trial");
  Store store = Store::open(littered.file, OpenMode::existing, 50);
  {
    Connection other(littered.file, Access::read_write, 0);
    other.execute("BEGIN IMMEDIATE");
    CHECK(error_of([&] { store.collect_garbage(); }).kind() == StoreError::Kind::busy);
    CHECK(ids_of(store.collect_garbage(true)) == littered.litter);
  }
  for (const std::string& id : littered.litter) CHECK(store.find(id));
}

TEST_CASE("Store gc: an open read transaction keeps its snapshot and does not block removal") {
  Littered littered;
  littered.store.delete_branch("trial");
  Connection reader(littered.file, Access::read_only, 0);
  const Transaction snapshot(reader, Transaction::Kind::read);
  CHECK(reader.integer("SELECT count(*) FROM edits") == 5);
  Store store = Store::open(littered.file, OpenMode::existing, 50);
  CHECK(store.collect_garbage().edits.size() == 2);
  CHECK(reader.integer("SELECT count(*) FROM edits") == 5);  // its snapshot stands
  CHECK(Store::open(littered.file).verify() == Ids{});
}

TEST_CASE("Store gc: a store with broken references is refused and left unchanged") {
  Littered littered;
  littered.store.delete_branch("trial");
  {
    Connection db(littered.file, Access::read_write, 0);
    db.execute("PRAGMA foreign_keys = OFF; DELETE FROM models");
  }
  const StoreError error = error_of([&] { littered.store.collect_garbage(); });
  CHECK(error.kind() == StoreError::Kind::corrupt);
  for (const std::string& id : littered.litter) CHECK(littered.store.find(id));
}
