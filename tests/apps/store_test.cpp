#include "store/store.hpp"

#include "json/json.hpp"
#include "store/database.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

EditDelta fact(int number) {
  EditDelta delta;
  delta.editor = "in-context";
  delta.settings = Json::object();
  delta.base_fingerprint = std::string(64, 'a');
  const std::string city = "City " + std::to_string(number);
  delta.facts = {{city, "P17", "Land", city + " lies in Land"}};
  return delta;
}

// A store of two edits, the second reverted, in a folder of its own.
struct Shop {
  Shop() {
    fs::create_directory(folder);
    Store store = Store::open(file, OpenMode::create);
    store.put_model({std::string(64, 'a'), "gpt2", "", "float32", 1, "in-out"});
    ids = store.commit_all({fact(1), fact(2)});
    revert = store.revert(ids[1]);
  }

  Outcome run(Words words) const {
    words.insert(words.end(), {"--store", file.string()});
    return run_kedit(words);
  }

  Json json(Words words) const {
    words.emplace_back("--json");
    const Outcome outcome = run(words);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return parse_json(outcome.out, "standard output");
  }

  // Behind the program's back.
  void tamper(const char* sql) const { Connection(file, Access::read_write, 0).execute(sql); }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  ScratchFolder scratch;
  fs::path folder = scratch / "shop";
  fs::path file = folder / "kedit.db";
  std::vector<std::string> ids;
  std::string revert;
};

void check_refused(const Outcome& outcome, int code, const Words& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

std::vector<Words> reading_commands(const Shop& shop) {
  return {{"store", "log"},
          {"store", "show", shop.ids[0]},
          {"store", "diff", "main", shop.ids[0]},
          {"store", "branch"},
          {"store", "conflicts"},
          {"store", "verify"},
          {"store", "gc", "--dry-run"},
          {"bench", "status"}};
}

}  // namespace

TEST_CASE("kedit store: reading commands leave the store unchanged and no other files") {
  const Shop shop;
  const std::string before = read_text(shop.file);
  for (const Words& words : reading_commands(shop)) {
    const Outcome outcome = shop.run(words);
    INFO(words[1] << ": " << outcome.err);
    CHECK(outcome.code == 0);
    CHECK(shop.files() == std::set<std::string>{"kedit.db"});
    CHECK(read_text(shop.file) == before);
  }
}

TEST_CASE("kedit store: reading commands work beside a writer and keep its WAL") {
  const Shop shop;
  {
    Store writer = Store::open(shop.file);
    writer.commit(fact(3));
    for (const Words& words : reading_commands(shop)) {
      const Outcome outcome = shop.run(words);
      INFO(words[1] << ": " << outcome.err);
      CHECK(outcome.code == 0);
      CHECK(fs::exists(shop.folder / "kedit.db-wal"));
    }
    CHECK(shop.json({"store", "log"})["edits"].size() == 3);
    writer.commit(fact(4));
  }
  CHECK(shop.files() == std::set<std::string>{"kedit.db"});
  CHECK(shop.json({"store", "log"})["edits"].size() == 4);
  CHECK(shop.run({"store", "verify"}).code == 0);
}

TEST_CASE("kedit store branch: only visible UTF-8 names are accepted") {
  const Shop shop;
  for (const char* good : {"\xc3\xbcn/\xe2\x9c\x93", "..", "deadbeef", "it's;DROP"}) {
    CHECK(shop.json({"store", "branch", good})["name"] == good);
    CHECK(shop.json({"store", "diff", "main", good})["common"] == 1);
  }
  // Not UTF-8; no-break space; right-to-left override; zero-width space; next line; escape.
  for (const char* bad : {"\xff\xfe", "a\xc2\xa0z", "a\xe2\x80\xaez", "a\xe2\x80\x8bz",
                          "a\xc2\x85z", "a\x1b[31m", ""}) {
    check_refused(shop.run({"store", "branch", bad}), 3, {"name of a branch"});
  }
  CHECK(shop.json({"store", "branch"})["branches"].size() == 5);
}

TEST_CASE("kedit store: ids of reverts and commits are told from ids of edits") {
  const Shop shop;
  const std::string apply = shop.json({"store", "show", shop.ids[0]})["history"][0]["commit"];
  check_refused(shop.run({"store", "revert", shop.revert}), 3,
                {"the revert " + shop.revert, shop.ids[1]});
  check_refused(shop.run({"store", "show", apply.substr(0, 8)}), 3,
                {"commit " + apply, shop.ids[0]});
}

TEST_CASE("kedit store merge: a branch into itself is refused and checking it out again is not") {
  const Shop shop;
  check_refused(shop.run({"store", "merge", "main"}), 4, {"cannot be merged into itself"});
  CHECK(shop.json({"store", "checkout", "main"})["previous"] == "main");
}

TEST_CASE("kedit store: control characters in stored texts are not printed") {
  const Shop shop;
  shop.tamper(
      "DROP TRIGGER edits_are_immutable; DROP TRIGGER commits_are_immutable; "
      "UPDATE branches SET name = char(27) || 'evil'; "
      "UPDATE edits SET editor = char(27) || char(155) || '31m', program = char(27); "
      "UPDATE commits SET time = char(155), note = char(27), program = char(27)");
  for (const Words& words : std::vector<Words>{{"store", "log"},
                                               {"store", "show", shop.ids[0]},
                                               {"store", "branch"},
                                               {"store", "revert", shop.ids[0]}}) {
    const Outcome outcome = shop.run(words);
    INFO(words[1] << ": " << outcome.err);
    CHECK(outcome.code == 0);
    CHECK_FALSE(outcome.out.empty());
    CHECK(outcome.out.find('\x1b') == std::string::npos);
    CHECK(outcome.out.find("\xc2\x9b") == std::string::npos);
  }
}

TEST_CASE(
    "kedit store checkout: a store without a current branch is damaged until checkout repairs it") {
  const Shop shop;
  shop.tamper("DELETE FROM current_branch");
  check_refused(shop.run({"store", "log"}), 4,
                {"expected a branch that is checked out", "store checkout"});
  CHECK(shop.run({"store", "verify"}).code == 4);
  CHECK(shop.json({"store", "checkout", "main"})["previous"].is_null());
  CHECK(shop.json({"store", "log"})["edits"].size() == 2);
  CHECK(shop.run({"store", "verify"}).code == 0);
}

TEST_CASE("kedit store: a stored text that is not JSON is reported as damage") {
  const Shop shop;
  shop.tamper("DROP TRIGGER edits_are_immutable; UPDATE edits SET settings = '{'");
  check_refused(shop.run({"store", "show", shop.ids[0]}), 4, {"settings", "store verify"});
  shop.tamper(
      "INSERT INTO requests VALUES ((SELECT min(id) FROM edits WHERE sequence = 1), "
      "0, NULL, 's', 'p', 't', '[')");
  check_refused(shop.run({"store", "conflicts"}), 4, {"request", "store verify"});
}

TEST_CASE("kedit store: an empty --store name is refused") {
  check_refused(run_kedit({"store", "log", "--store", ""}), 3, {"the name of a file", "--store"});
}

TEST_CASE("kedit store: wrong tables are reported as damage") {
  const Shop shop;
  const auto [sql, command, found] = GENERATE(table<const char*, const char*, const char*>(
      {{"DROP TABLE branch_commits", "log", "branch_commits"},
       {"DROP TABLE facts; CREATE VIEW facts AS SELECT * FROM edits", "log", "f.subject"},
       {"PRAGMA user_version = 1", "log", "orientation"},
       {"UPDATE branch_commits SET position = 9223372036854775807 WHERE position = 3", "branch",
        "9223372036854775807"}}));
  shop.tamper(fmt::format("PRAGMA foreign_keys = OFF; {}", sql).c_str());
  Words words{"store", command};
  if (words.back() == "branch") words.emplace_back("new");
  check_refused(shop.run(words), 4, {found, "store verify"});
}

TEST_CASE("kedit store: an impossible schema number is refused") {
  const Shop shop;
  shop.tamper("PRAGMA user_version = -5");
  check_refused(shop.run({"store", "log"}), 3, {"expected schema 1 or newer, found -5"});
}
