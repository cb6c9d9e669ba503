#include "json/json.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

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
  delta.settings = "{}";
  delta.base_fingerprint = std::string(64, 'a');
  const std::string city = "City " + std::to_string(number);
  delta.facts = {{city, "P17", "Land", city + " lies in Land"}};
  return delta;
}

// A store of two edits in a folder of its own.
struct Shop {
  Shop() {
    fs::create_directory(folder);
    Store store = Store::open(file, OpenMode::create);
    store.put_model({std::string(64, 'a'), "gpt2", "", "float32", 1, "in-out"});
    ids = store.commit_all({fact(1), fact(2)});
  }

  Outcome run(Words words) const {
    words.insert(words.end(), {"--store", file.string()});
    return run_kedit(words);
  }

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
};

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

TEST_CASE("commands that only read leave nothing beside a store and change no byte of it") {
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

TEST_CASE("commands that read work beside a writer, whose log stays with it") {
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
    CHECK(parse_json(shop.run({"store", "log", "--json"}).out, "log")["edits"].size() == 3);
    writer.commit(fact(4));
  }
  CHECK(shop.files() == std::set<std::string>{"kedit.db"});
  CHECK(parse_json(shop.run({"store", "log", "--json"}).out, "log")["edits"].size() == 4);
  CHECK(shop.run({"store", "verify"}).code == 0);
}
