// kedit store log|show|revert|verify as a user sees them: through the program.
#include "edits/hash.hpp"
#include "json/json.hpp"
#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <cstdio>
#include <filesystem>
#include <sys/wait.h>

using namespace kedit;
using namespace kedit::test;

namespace {

struct Outcome {
  int code = -1;
  std::string out, err;
};

// A store of three edits (the second reverted), and the program run on it.
struct Shop {
  Shop() {
    Store store = new_store(file);
    ids = store.commit_all({rank_one_delta(1), fact_delta(2), rank_one_delta(3)},
                           {.note = "three"});
    revert = store.revert(ids[1]);
  }

  // `before` is shell text in front of the program: limits and traps.
  Outcome run(const std::string& words, const std::string& before = "") const {
    const std::string errors = (directory / "stderr").string();
    const std::string command =
        fmt::format("cd '{}'; {} '{}' store {} 2>'{}'", directory.path().string(), before,
                    KEDIT_BINARY, words, errors);
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    std::array<char, 4096> buffer{};
    while (const std::size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
      outcome.out.append(buffer.data(), count);
    }
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.err = read_text_file(errors);
    return outcome;
  }

  Json json(const std::string& words) const {
    const Outcome outcome = run(words + " --json");
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return parse_json(outcome.out, "standard output");
  }

  TemporaryDirectory directory;
  std::filesystem::path file = directory / "kedit.db";  // the default store
  std::vector<std::string> ids;
  std::string revert;
};

void check_failure(const Outcome& outcome, int code, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.rfind("kedit: ", 0) == 0);
  CHECK(outcome.err.find('\n') + 1 == outcome.err.size());  // one line
  for (const std::string& part : parts) CHECK(contains(outcome.err, part));
}

}  // namespace

TEST_CASE("store log lists every edit of the branch, reverted ones with their revert") {
  const Shop shop;
  const Json log = shop.json("log");
  CHECK(log["branch"] == "main");
  REQUIRE(log["edits"].size() == 3);
  CHECK(log["edits"][0]["id"] == shop.ids[0]);
  CHECK(log["edits"][0]["parent"].is_null());
  CHECK(log["edits"][0]["kind"] == "weights");
  CHECK(log["edits"][0]["model"] == kFingerprint);
  CHECK_FALSE(log["edits"][0].contains("reverted_by"));
  CHECK(log["edits"][1]["kind"] == "facts");
  CHECK(log["edits"][1]["parent"] == shop.ids[0]);
  CHECK(log["edits"][1]["reverted_by"] == shop.revert);
  CHECK(shop.json("log --last 1")["edits"].size() == 1);
  CHECK(contains(shop.run("log").out, "City 1 -> Land 2"));
}

TEST_CASE("store show explains an edit and writes its factors") {
  const Shop shop;
  const Json edit = shop.json("show " + shop.ids[2].substr(0, 10) + " --factors f.safetensors");
  CHECK(edit["id"] == shop.ids[2]);
  CHECK(edit["seed"] == 3);
  CHECK(edit["settings"]["layers"][0] == 1);
  CHECK(edit["requests"][0]["subject"] == "City 3");
  REQUIRE(edit["weights"].size() == 1);
  CHECK(edit["weights"][0]["shape"] == Json::array({24, 16}));
  CHECK(edit["weights"][0]["rank"] == 1);
  const auto bytes = encode_update(rank_one_delta(3).updates[0]);
  CHECK(edit["weights"][0]["sha256"] == Sha256().update(bytes.data(), bytes.size()).hex());
  CHECK(edit["history"][0]["kind"] == "apply");

  // The file's payload ends with left then right, float32, in the order of their names.
  const std::string file = read_text_file(shop.directory / "f.safetensors");
  CHECK(contains(file, "model.layers.1.mlp.down_proj.weight.left"));
  const std::string payload(bytes.end() - (24 + 16) * 4, bytes.end());
  CHECK(file.substr(file.size() - payload.size()) == payload);
}

TEST_CASE("store revert takes an edit back once") {
  const Shop shop;
  const Json answer = shop.json("revert " + shop.ids[0]);
  CHECK(answer["edit"] == shop.ids[0]);
  CHECK(Store::open(shop.file).live("main", kFingerprint) == std::vector<std::string>{shop.ids[2]});
  check_failure(shop.run("revert " + shop.ids[0]), 4, {"is reverted already"});
}

TEST_CASE("store verify says that nothing is wrong, or lists what is, with exit code 4") {
  const Shop shop;
  CHECK(shop.json("verify")["faults"].empty());
  { Connection(shop.file, Access::read_write, 0).execute("DROP TRIGGER facts_are_immutable"); }
  { Connection(shop.file, Access::read_write, 0).execute("UPDATE facts SET object = 'x'"); }
  const Outcome outcome = shop.run("verify --json");
  CHECK(outcome.code == 4);
  const Json answer = parse_json(outcome.out, "standard output");
  CHECK(answer["sound"] == false);
  CHECK(contains(to_text(answer["faults"]), "edit " + shop.ids[1]));
}

TEST_CASE("a store that cannot serve is one sentence and the documented exit code") {
  const Shop shop;
  check_failure(shop.run("log --store none.db"), 3, {"none.db", "no such file"});
  check_failure(shop.run("show 0123456789ab"), 3, {"no such edit"});
  check_failure(shop.run("log --branch mian"), 3, {"mian", "the store has main"});
  check_failure(shop.run("log --store ."), 3, {"regular file"});
  write_file_atomically(shop.directory / "text.db", std::string(999, 'x'));
  check_failure(shop.run("verify --store text.db --json"), 4, {"no SQLite database"});
  check_failure(shop.run("show " + shop.ids[1] + " --factors f.safetensors"), 1,
                {"changes no weights"});
}

TEST_CASE("a store that another process keeps locked is busy: exit code 4") {
  const Shop shop;
  Connection other(shop.file, Access::read_write, 0);
  other.execute("BEGIN IMMEDIATE");
  check_failure(shop.run("revert " + shop.ids[0]), 4, {"locked by another process"});
}

TEST_CASE("without room the change is not made: exit code 1, and the store is sound") {
  const Shop shop;
  {
    Store store = Store::open(shop.file);
    for (int i = 10; i < 20; ++i) store.commit(rank_one_delta(i, 900, 900));
  }
  // 8 blocks of 512 bytes: less than one page of the log.
  const Outcome outcome = shop.run("revert " + shop.ids[0], "trap '' XFSZ; ulimit -f 8;");
  check_failure(outcome, 1, {"no room is left to write"});
  const Store store = Store::open(shop.file);
  CHECK(store.verify().empty());
  CHECK(store.live("main", kFingerprint).size() == 12);
}
