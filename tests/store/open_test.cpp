#include "store/database.hpp"
#include "store/schema.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;

namespace {

StoreError open_error(const std::filesystem::path& file, OpenMode mode = OpenMode::existing) {
  return error_of([&] { Store::open(file, mode, 50); });
}

void write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

std::filesystem::path golden(const char* name) {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "store" / name;
}

// What every golden store holds; `kedit_tests_store "[approve]"` writes one for the newest schema.
void fill_golden(Store& store) {
  const auto ids = store.commit_all({rank_one_delta(1, 6, 4), fact_delta(2)}, {.note = "golden"});
  store.commit(rank_one_delta(3, 6, 4));
  store.revert(ids[0]);
  const std::string run = store.begin_run("golden", "{}", R"({"protocol":"p"})", 2);
  store.commit_for_run(run, {rank_one_delta(4, 6, 4)});
  store.put_results(run, {{"rome", 1, R"({"hit":true})"}});
}

// Runs `act` as a user who may not write where root may; returns its verdict.
bool as_plain_user(bool (*act)(const std::filesystem::path&), const std::filesystem::path& file) {
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(2);
    bool verdict = false;
    try {
      verdict = act(file);
    } catch (...) {
    }
    _exit(verdict ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("Store open: a file that is no usable store is refused by name with a remedy") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";

  SECTION("absent") {
    const StoreError error = open_error(file);
    CHECK(error.kind() == Kind::absent);
    CHECK(contains(error.what(), file.string()));
    CHECK(contains(error.what(), "found no such file"));
    CHECK_FALSE(std::filesystem::exists(file));
  }
  SECTION("a directory") {
    std::filesystem::create_directory(file);
    CHECK(open_error(file, OpenMode::create).kind() == Kind::unusable);
  }
  SECTION("in a directory that does not exist") {
    CHECK(open_error(directory / "none/a.db", OpenMode::create).kind() == Kind::unusable);
  }
  SECTION("empty") {
    write_file(file, "");
    CHECK(open_error(file).kind() == Kind::unusable);
    CHECK(contains(open_error(file, OpenMode::read_only).what(), "found an empty file"));
    CHECK_NOTHROW(Store::open(file, OpenMode::create));
    CHECK_NOTHROW(Store::open(file));
  }
  SECTION("text") {
    write_file(file, std::string(5000, 'x'));
    const StoreError error = open_error(file, OpenMode::create);
    CHECK(error.kind() == Kind::corrupt);
    CHECK(contains(error.what(), "no SQLite database"));
    CHECK(std::filesystem::file_size(file) == 5000);
  }
  SECTION("another program's database, which stays as it was") {
    { Connection(file, Access::create, 0).execute("CREATE TABLE t (x); PRAGMA user_version = 1"); }
    const StoreError error = open_error(file, OpenMode::create);
    CHECK(error.kind() == Kind::unusable);
    CHECK(contains(error.what(), "another program's SQLite database"));
    CHECK(Connection(file, Access::read_only, 0).text("PRAGMA journal_mode") == "delete");
  }
  SECTION("a newer schema") {
    { Store::open(file, OpenMode::create); }
    { Connection(file, Access::read_write, 0).execute("PRAGMA user_version = 9999"); }
    const StoreError error = open_error(file);
    CHECK(error.kind() == Kind::unusable);
    CHECK(contains(error.what(), "found schema 9999 made by a newer kedit; update kedit"));
  }
  SECTION("cut off") {
    { new_store(file).commit(rank_one_delta(1)); }
    std::filesystem::resize_file(file, 4096 * 3);
    const StoreError error = error_of([&] { Store::open(file).log(); });
    CHECK(error.kind() == Kind::corrupt);
    CHECK(contains(error.what(), "the file is damaged"));
  }
}

TEST_CASE("Store open: a store in use by a writer is busy after the waiting time") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file).commit(rank_one_delta(1)); }
  Store store = Store::open(file, OpenMode::existing, 50);
  {
    Connection other(file, Access::read_write, 0);
    other.execute("BEGIN IMMEDIATE");
    const StoreError error = error_of([&] { store.commit(rank_one_delta(2)); });
    CHECK(error.kind() == Kind::busy);
    CHECK(contains(error.what(), "committing 1 edit: " + file.string()));
    CHECK(contains(error.what(), "locked by another process (waited 50 ms)"));
    CHECK(store.log().size() == 1);  // readers do not wait
  }
  CHECK_NOTHROW(store.commit(rank_one_delta(2)));
}

TEST_CASE("Store open: an exclusively locked store is busy") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file); }
  Connection other(file, Access::read_write, 0);
  other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM facts; COMMIT");
  CHECK(open_error(file).kind() == Kind::busy);
}

TEST_CASE("Store open: a read-only store can be read and not written") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  { new_store(file).commit(rank_one_delta(1)); }
  Store store = Store::open(file, OpenMode::read_only);
  CHECK(store.log().size() == 1);
  const StoreError error = error_of([&] { store.commit(rank_one_delta(2)); });
  CHECK(error.kind() == Kind::unusable);
  CHECK(contains(error.what(), "read-only"));
}

TEST_CASE("Store open: a store in a read-only directory is read and writing is refused") {
  TemporaryDirectory directory;
  const auto file = directory / "a b#c%.db";
  { new_store(file).commit(rank_one_delta(1)); }
  chmod(file.c_str(), 0444);
  chmod(directory.path().c_str(), 0555);
  CHECK(as_plain_user(
      [](const auto& f) { return Store::open(f, OpenMode::read_only).log().size() == 1; }, file));
  CHECK(as_plain_user(
      [](const auto& f) {
        const StoreError error = error_of([&] { Store::open(f).commit(rank_one_delta(2)); });
        return error.kind() == Kind::unusable && contains(error.what(), "found a read-only one");
      },
      file));
  CHECK(as_plain_user(
      [](const auto& f) {
        const StoreError error = open_error(f.parent_path() / "new.db", OpenMode::create);
        return error.kind() == Kind::unusable && contains(error.what(), "found a read-only one");
      },
      file));
  chmod(directory.path().c_str(), 0755);
}

TEST_CASE(
    "Store open: in a read-only directory a WAL with commits is refused and an empty one not") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  {
    Store store = new_store(file);
    store.commit(rank_one_delta(1));
    std::filesystem::copy_file(directory / "a.db-wal", directory / "saved");
  }
  REQUIRE(std::filesystem::file_size(directory / "saved") > 0);
  write_file(directory / "a.db-wal", "");
  chmod(directory.path().c_str(), 0555);
  CHECK(as_plain_user(
      [](const auto& f) { return Store::open(f, OpenMode::read_only).log().size() == 1; }, file));

  chmod(directory.path().c_str(), 0755);
  std::filesystem::rename(directory / "saved", directory / "a.db-wal");
  std::filesystem::create_directory(directory / "elsewhere");
  std::filesystem::create_symlink(file, directory / "elsewhere/link.db");
  chmod(directory.path().c_str(), 0555);
  CHECK(as_plain_user(
      [](const auto& f) {
        const StoreError error = open_error(f, OpenMode::read_only);
        return error.kind() == Kind::unusable && contains(error.what(), "lie in a.db-wal");
      },
      directory / "elsewhere/link.db"));
  chmod(directory.path().c_str(), 0755);
}

TEST_CASE("Store open: several processes may create the same store at once") {
  TemporaryDirectory directory;
  const auto file = directory / "a.db";
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(fork());
    if (children.back() == 0) {
      try {
        new_store(file).commit(rank_one_delta(i));
        _exit(0);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        _exit(1);
      }
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const Store store = Store::open(file);
  CHECK(store.log().size() == 6);
  CHECK(store.verify().empty());
}

TEST_CASE("Store migration: a failed migration leaves the file unchanged") {
  TemporaryDirectory directory;
  const auto file = directory / "v1.db";
  std::filesystem::copy_file(golden("v1.db"), file);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  // The step adds a column, then finds the name of its table taken.
  { Connection(file, Access::read_write, 0).execute("CREATE TABLE current_branch (x)"); }
  const StoreError error = open_error(file);
  CHECK(error.kind() == Kind::corrupt);
  CHECK(contains(error.what(), "current_branch"));
  Connection connection(file, Access::read_only, 0);
  CHECK(connection.integer("PRAGMA user_version") == 1);
  CHECK(connection.integer("SELECT count(*) FROM pragma_table_info('models') "
                           "WHERE name = 'orientation'") == 0);
}

TEST_CASE("Store migration: a store of every released schema opens with its edits") {
  const char* name = GENERATE("v1.db", "v2.db");
  TemporaryDirectory directory;
  const auto file = directory / name;
  std::filesystem::copy_file(golden(name), file);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  Store store = Store::open(file);
  CHECK(store.verify() == std::vector<std::string>{});
  const auto log = store.log();
  REQUIRE(log.size() == 3);
  CHECK(same_delta(*store.find(log[1].id), fact_delta(2)));
  CHECK(store.live("main", kFingerprint) == std::vector<std::string>{log[1].id, log[2].id});
  CHECK(log[0].note == "golden");
  REQUIRE(store.run("golden"));
  CHECK(store.results(store.run("golden")->id).at(0).payload == R"({"hit":true})");
  CHECK_NOTHROW(store.commit(rank_one_delta(9)));

  const Connection connection(file, Access::read_only, 0);
  CHECK(Connection(file, Access::read_only, 0).integer("PRAGMA user_version") ==
        static_cast<std::int64_t>(schema_migrations().size()));
}

// tests/golden/store/edits.db: made by `kedit edit`, see edits_golden.sh.
TEST_CASE("edits of a released store come back as values that are stored as the same bytes") {
  TemporaryDirectory directory;
  std::filesystem::copy_file(golden("edits.db"), directory / "released.db");
  const Store released = Store::open(directory / "released.db", OpenMode::read_only);
  Store today = Store::open(directory / "today.db", OpenMode::create);
  const auto log = released.log();
  REQUIRE(log.size() == 3);
  today.put_model(*released.model(log.front().model));
  for (const EditRecord& edit : log) {
    INFO(edit.id);
    CHECK(today.commit(*released.find(edit.id), {.forced = edit.forced}) == edit.id);
  }
  CHECK(today.verify().empty());
  Connection a(directory / "released.db", Access::read_only, 0);
  Connection b(directory / "today.db", Access::read_only, 0);
  for (const char* list :
       {"SELECT group_concat(settings || diagnostics || diagnostics_sha256 || forced, x'0a') "
        "FROM edits",
        "SELECT group_concat(request_id || subject || prompt || target_new || body, x'0a') "
        "FROM requests",
        "SELECT group_concat(sha256, x'0a') FROM edit_updates"}) {
    CHECK(a.text(list) == b.text(list));
  }
}

TEST_CASE("Golden store: write a store of the newest schema", "[.][approve]") {
  TemporaryDirectory directory;
  const std::string name = fmt::format("v{}.db", schema_migrations().size());
  const auto file = directory.path() / name;
  {
    Store store = new_store(file);
    fill_golden(store);
  }
  { Connection(file, Access::read_write, 0).execute("VACUUM"); }
  std::filesystem::copy_file(file, golden(name.c_str()),
                             std::filesystem::copy_options::overwrite_existing);
}

TEST_CASE("a store's name is a file's name, whatever SQLite takes it for") {
  const TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  for (const char* name : {":memory:", "file:x.db?mode=memory", "file:y.db"}) {
    CAPTURE(name);
    {
      Store store = Store::open(name, OpenMode::create);
      store.put_model(sample_model());
      store.commit(rank_one_delta(1, 6, 4));
    }
    CHECK(std::filesystem::is_regular_file(directory / name));
    CHECK(Store::open(name, OpenMode::existing).log().size() == 1);
  }
  CHECK_THROWS_AS(Store::open("", OpenMode::create), StoreError);
  std::filesystem::current_path(before);
}
