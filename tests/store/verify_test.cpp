#include "json/json.hpp"
#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <fstream>
#include <functional>

using namespace kedit;
using namespace kedit::test;
using Kind = StoreError::Kind;

namespace {

// A store with two live edits, a reverted one, a run with an edit and a result.
struct Sample {
  Sample() {
    Store store = new_store(file);
    weights = store.commit(rank_one_delta(1));
    facts = store.commit(fact_delta(2));
    reverted = store.commit(rank_one_delta(3));
    revert = store.revert(reverted);
    run = store.begin_run("night", "{}", "{}", 1);
    store.put_results(run, {{"rome", 17, R"({"hit":true})"}});
  }

  TemporaryDirectory directory;
  std::filesystem::path file = directory / "a.db";
  std::string weights, facts, reverted, revert, run;
};

// Changes rows as only a damaged disk or a careless hand can: without triggers and foreign keys.
void damage(const std::filesystem::path& file, const std::function<void(Connection&)>& act) {
  Connection db(file, Access::read_write, 0);
  db.execute("PRAGMA foreign_keys = OFF");
  std::vector<std::pair<std::string, std::string>> triggers;
  {
    Statement query = db.statement("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'");
    while (query.step()) triggers.emplace_back(query.text(0), query.text(1));
  }
  for (const auto& trigger : triggers) db.execute("DROP TRIGGER " + trigger.first);
  act(db);
  for (const auto& trigger : triggers) db.execute(trigger.second);
}

std::string all_faults(const std::filesystem::path& file) {
  std::string text;
  for (const std::string& fault : Store::open(file).verify()) text += fault + "\n";
  return text;
}

void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("Store verify: a sound store has no faults") {
  const Sample sample;
  CHECK(all_faults(sample.file).empty());
}

TEST_CASE("Store verify: a flipped bit in the factors is reported and the edit cannot be read") {
  const Sample sample;
  const WeightUpdate update = rank_one_delta(1).updates[0];
  const auto* left = std::get<LowRank>(update.update).left.const_data_ptr<float>();
  std::string bytes = read_text_file(sample.file);
  const auto where = bytes.find(std::string(reinterpret_cast<const char*>(left), 24));
  REQUIRE(where != std::string::npos);
  const int bit = GENERATE(0, 3, 7);
  bytes[where + 5] = static_cast<char>(bytes[where + 5] ^ (1 << bit));
  write_bytes(sample.file, bytes);

  const std::string faults = all_faults(sample.file);
  CHECK(
      contains(faults, "edit " + sample.weights +
                           ": factors of model.layers.1.mlp.down_proj.weight: expected SHA-256 "));
  CHECK_FALSE(contains(faults, sample.reverted));
  const StoreError error = error_of([&] { Store::open(sample.file).find(sample.weights); });
  CHECK(error.kind() == Kind::corrupt);
  CHECK(contains(error.what(), sample.weights));
  CHECK_NOTHROW(Store::open(sample.file).find(sample.reverted));
}

TEST_CASE("Store verify: every kind of damage is found and named") {
  const Sample sample;
  const auto [sql, expected] = GENERATE(table<std::string, std::string>({
      {"UPDATE edit_updates SET row_count = 25", "rank 1, found [24, 16] rank 1"},
      {"UPDATE edit_updates SET kind = 'dense'", "expected dense [24, 16]"},
      {"UPDATE edit_updates SET weight = 'other'", "factors of other"},
      {"UPDATE edit_updates SET position = 1", "edit_updates: a position is missing"},
      {"DELETE FROM edit_updates", "its content does not match its SHA-256"},
      {"UPDATE edits SET settings = '{\"seed\":9}' WHERE kind = 'weights'",
       "its content does not match its SHA-256"},
      {"UPDATE edits SET settings = '{' WHERE kind = 'weights'", "settings"},
      {"UPDATE edits SET diagnostics = '{}' WHERE kind = 'weights'",
       "diagnostics do not match their SHA-256"},
      {"UPDATE edits SET parent = NULL WHERE kind = 'facts'",
       "its id does not follow from its content and parent"},
      {"UPDATE edits SET content_sha256 = '" + std::string(64, '0') + "'",
       "its id does not follow from its content and parent"},
      {"UPDATE facts SET object = 'Atlantis'", "its content does not match its SHA-256"},
      {"DELETE FROM facts WHERE position = 0", "facts: a position is missing"},
      {"UPDATE requests SET body = '{}'", "its content does not match its SHA-256"},
      {"UPDATE requests SET body = '{}'", "request: /subject: expected a value, found none"},
      {"UPDATE edits SET diagnostics = '{\"norms\":[]}'",
       "diagnostics: /norms: expected an object"},
      {"DELETE FROM models", "refers to a missing row of models"},
      {"DELETE FROM commits WHERE kind = 'revert'", "refers to a missing row of commits"},
      {"UPDATE commits SET kind = 'fuse' WHERE kind = 'revert'", "found \"fuse\""},
      {"UPDATE commits SET kind = 'merge' WHERE kind = 'revert'", "expected what it merged"},
      {"DELETE FROM current_branch", "expected one that is checked out, found none"},
      {"UPDATE commits SET parent = NULL WHERE kind = 'revert'",
       "its id does not follow from its edit and parent"},
      {"UPDATE branch_commits SET position = position + 10 WHERE position = 4",
       "expected position 4, found 14"},
      {"DELETE FROM branch_commits WHERE position = 1", "does not stand before it"},
      {"DELETE FROM branch_commits WHERE position = 4", "expected head"},
      {"DELETE FROM branch_commits WHERE position = 3", "which is not applied there"},
      {"UPDATE branches SET head = NULL", "expected head none"},
      {"UPDATE results SET payload = '{\"hit\":false}'",
       "result of rome, case 17: it does not match its SHA-256"},
      {"UPDATE runs SET config = '{\"k\":2}'", "its id does not follow from its content"},
      {"DROP INDEX commits_of_edit", "index commits_of_edit is missing"},
      {"CREATE TABLE extra (x)", "table extra is foreign"},
  }));
  INFO(sql);
  damage(sample.file, [&sql = sql](Connection& db) { db.execute(sql); });
  const std::string faults = all_faults(sample.file);
  INFO(faults);
  CHECK(contains(faults, expected));
}

TEST_CASE("Store verify: factors that do not decode are reported with their edit") {
  const Sample sample;
  damage(sample.file, [](Connection& db) {
    const std::vector<std::uint8_t> bytes{1, 2, 3};
    db.statement("UPDATE edit_updates SET factors = ?").with(bytes).run();
  });
  const std::string faults = all_faults(sample.file);
  CHECK(contains(faults, "edit " + sample.weights + ": factors of "));
  CHECK(contains(faults, "magic"));
}

TEST_CASE("texts that cannot be read are told with the edit and the place when it is looked up") {
  const Sample sample;
  const auto [sql, place] = GENERATE(table<std::string, std::string>({
      {"UPDATE edits SET settings = '{'", "settings"},
      {"UPDATE edits SET settings = '[]'", "settings: /: expected an object"},
      {"UPDATE edits SET diagnostics = '{\"seconds\":[]}'", "diagnostics: /seconds"},
      {"UPDATE requests SET body = '{\"subject\":1}'", "request: /subject: expected a string"},
  }));
  INFO(sql);
  damage(sample.file, [&sql = sql](Connection& db) { db.execute(sql); });
  const StoreError error = error_of([&] { Store::open(sample.file).find(sample.weights); });
  INFO(error.what());
  CHECK(error.kind() == Kind::corrupt);
  CHECK(contains(error.what(), sample.file.string()));
  CHECK(contains(error.what(), "edit " + sample.weights + ": " + place));
  CHECK(contains(error.what(), "run kedit store verify"));
}

TEST_CASE("Store verify: a damaged page is reported and does not stop the verification") {
  const Sample sample;
  std::int64_t page = 0;
  std::int64_t page_size = 0;
  {
    Connection db(sample.file, Access::read_only, 0);
    page = db.integer("SELECT rootpage FROM sqlite_master WHERE name = 'facts'");
    page_size = db.integer("PRAGMA page_size");
  }
  std::string bytes = read_text_file(sample.file);
  bytes.replace(static_cast<std::size_t>((page - 1) * page_size), 64, std::string(64, '\xff'));
  write_bytes(sample.file, bytes);
  const std::string faults = all_faults(sample.file);
  CHECK(contains(faults, "SQLite integrity"));
  CHECK(contains(faults, "the file is damaged"));
  CHECK(error_of([&] { Store::open(sample.file).find(sample.facts); }).kind() == Kind::corrupt);
}

TEST_CASE("Store: stored rows cannot be changed through SQL") {
  const Sample sample;
  Connection db(sample.file, Access::read_write, 0);
  for (const char* sql : {"UPDATE edits SET editor = 'x'", "UPDATE edit_updates SET weight = 'x'",
                          "UPDATE requests SET subject = 'x'", "UPDATE facts SET object = 'x'",
                          "UPDATE commits SET note = 'x'"}) {
    const StoreError error = error_of([&] { db.execute(sql); });
    CHECK(error.kind() == Kind::conflict);
    CHECK(contains(error.what(), "immutable"));
  }
}
