#include "store/database.hpp"

#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;

namespace {

struct Memory {
  Memory() { db.execute("CREATE TABLE t (x INTEGER PRIMARY KEY, y ANY) STRICT"); }
  Connection db{"memory", Access::in_memory, 0};
};

}  // namespace

TEST_CASE("Transaction: without commit it is rolled back") {
  Memory memory;
  {
    Transaction transaction(memory.db);
    memory.db.execute("INSERT INTO t VALUES (1, 1)");
  }
  CHECK(memory.db.integer("SELECT count(*) FROM t") == 0);
  {
    Transaction transaction(memory.db);
    memory.db.execute("INSERT INTO t VALUES (1, 1)");
    transaction.commit();
  }
  CHECK(memory.db.integer("SELECT count(*) FROM t") == 1);
  CHECK_FALSE(memory.db.in_transaction());
}

TEST_CASE("Statement: bound values of every type read back equal") {
  Memory memory;
  const std::string text("a\0b\xc3\xa9", 5);
  const std::vector<std::uint8_t> bytes{0, 255, 1};
  const auto insert = [&](std::int64_t key, const auto& value) {
    memory.db.statement("INSERT INTO t VALUES (?, ?)").with(key, value).run();
  };
  insert(1, text);
  insert(2, bytes);
  insert(3, std::optional<std::string>());
  insert(4, std::int64_t{-5000000000});
  insert(5, std::string_view());
  insert(6, std::vector<std::uint8_t>());
  Statement query = memory.db.statement("SELECT y FROM t ORDER BY x");
  REQUIRE(query.step());
  CHECK(query.text(0) == text);
  REQUIRE(query.step());
  CHECK(query.blob(0) == bytes);
  REQUIRE(query.step());
  CHECK(query.is_null(0));
  CHECK(query.text(0).empty());
  REQUIRE(query.step());
  CHECK(query.integer(0) == -5000000000);
  for (int empty = 0; empty < 2; ++empty) {
    REQUIRE(query.step());
    CHECK_FALSE(query.is_null(0));
    CHECK(query.text(0).empty());
  }
  CHECK_FALSE(query.step());
}

TEST_CASE("Statement: a cached statement is reused and using it twice at once is refused") {
  Memory memory;
  const std::string sql = "INSERT INTO t (y) VALUES (?)";
  for (int i = 0; i < 3; ++i) memory.db.statement(sql).with(std::int64_t{i}).run();
  CHECK(memory.db.integer("SELECT count(*) FROM t") == 3);
  const Statement held = memory.db.statement(sql);
  CHECK_THROWS_AS(memory.db.statement(sql), std::logic_error);
}

TEST_CASE("Transaction: a full database gives one sentence and keeps nothing") {
  TemporaryDirectory directory;
  const auto file = directory / "full.db";
  Connection db(file, Access::create, 0);
  db.execute("CREATE TABLE t (x BLOB) STRICT");
  db.execute("PRAGMA max_page_count = 8");
  db.begin_act("committing 1 edit");
  const StoreError error = error_of([&] {
    Transaction transaction(db);
    for (int i = 0; i < 100; ++i) {
      db.statement("INSERT INTO t VALUES (?)").with(std::vector<std::uint8_t>(4096)).run();
    }
    transaction.commit();
  });
  CHECK(error.kind() == Kind::io);
  CHECK(std::string(error.what()) ==
        "committing 1 edit: " + file.string() +
            ": no room is left to write (disk full, quota or file size limit); free some space and "
            "try again, nothing of this change was kept");
  CHECK_FALSE(db.in_transaction());
  CHECK(db.integer("SELECT count(*) FROM t") == 0);
  db.execute("PRAGMA max_page_count = 10000");
  CHECK_NOTHROW(db.statement("INSERT INTO t VALUES (?)").with(std::vector<std::uint8_t>(9)).run());
}

TEST_CASE("Connection: a violated constraint is a conflict that names it") {
  Memory memory;
  memory.db.execute("INSERT INTO t VALUES (1, 1)");
  const StoreError error = error_of([&] { memory.db.execute("INSERT INTO t VALUES (1, 1)"); });
  CHECK(error.kind() == Kind::conflict);
  CHECK(contains(error.what(), "t.x"));
}

TEST_CASE("Connection: foreign keys are enforced and commits are synced") {
  TemporaryDirectory directory;
  Connection db(directory / "a.db", Access::create, 0);
  CHECK(db.integer("PRAGMA foreign_keys") == 1);
  CHECK(db.integer("PRAGMA synchronous") == 2);  // FULL
  db.use_write_ahead_log();
  CHECK(db.text("PRAGMA journal_mode") == "wal");
}

TEST_CASE("Connection: a long WAL is checkpointed by the next transaction and not in COMMIT") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  constexpr std::size_t kLong = 5 << 20;  // bytes: more than 1000 pages of 4 KiB
  {
    Connection db(file, Access::create, 0);
    db.use_write_ahead_log();
    db.execute("CREATE TABLE t (x BLOB) STRICT");
    const auto insert = [&] {
      Transaction transaction(db);
      db.statement("INSERT INTO t VALUES (?)").with(std::vector<std::uint8_t>(kLong)).run();
      transaction.commit();
    };
    insert();
    CHECK(std::filesystem::file_size(file) < kLong);
    CHECK(std::filesystem::file_size(directory / "a.db-wal") > kLong);
    { const Transaction next(db); }
    CHECK(std::filesystem::file_size(file) > kLong);
    insert();
  }
  CHECK(std::filesystem::file_size(file) > 2 * kLong);
  CHECK_FALSE(std::filesystem::exists(directory / "a.db-wal"));
}

TEST_CASE("Connection: a reader writes nothing and clears the WAL of a killed writer") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  {
    Connection writer(file, Access::create, 0);
    writer.use_write_ahead_log();
    writer.execute("CREATE TABLE t (x INTEGER) STRICT; INSERT INTO t VALUES (7)");
    // The files as a killed writer leaves them: with commits that are only in the log.
    std::filesystem::copy_file(file, directory / "b.db");
    std::filesystem::copy_file(directory / "a.db-wal", directory / "b.db-wal");
    Connection beside(file, Access::read_only, 0);
    CHECK(beside.integer("SELECT x FROM t") == 7);
    for (const char* write : {"INSERT INTO t VALUES (8)", "BEGIN IMMEDIATE", "DROP TABLE t"}) {
      CHECK(error_of([&] { beside.execute(write); }).kind() == Kind::unusable);
    }
  }
  CHECK_FALSE(std::filesystem::exists(directory / "a.db-wal"));
  const auto left = directory / "b.db";
  { CHECK(Connection(left, Access::read_only, 0).integer("SELECT x FROM t") == 7); }
  CHECK_FALSE(std::filesystem::exists(directory / "b.db-wal"));
  CHECK_FALSE(std::filesystem::exists(directory / "b.db-shm"));
  CHECK(Connection(left, Access::read_only, 0).integer("SELECT x FROM t") == 7);
}
