// kedit store log|show|revert|verify as a user sees them: through the program.
#include "edits/hash.hpp"
#include "json/json.hpp"
#include "store/database.hpp"
#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
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
    ids =
        store.commit_all({rank_one_delta(1), fact_delta(2), rank_one_delta(3)}, {.note = "three"});
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

TEST_CASE(
    "kedit store log: all edits of the branch are listed and reverted ones name their revert") {
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

TEST_CASE("kedit store show: an edit is described and its factors are written") {
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

TEST_CASE("kedit store revert: an edit is reverted once and a second time is refused") {
  const Shop shop;
  const Json answer = shop.json("revert " + shop.ids[0]);
  CHECK(answer["edit"] == shop.ids[0]);
  CHECK(Store::open(shop.file).live("main", kFingerprint) == std::vector<std::string>{shop.ids[2]});
  check_failure(shop.run("revert " + shop.ids[0]), 4, {"is reverted already"});
}

TEST_CASE(
    "kedit store verify: a sound store has no faults and a damaged one ends with exit code 4") {
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

TEST_CASE("kedit store: an unusable store gives one sentence and the documented exit code") {
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

TEST_CASE("kedit store: a store locked by another process ends with exit code 4") {
  const Shop shop;
  Connection other(shop.file, Access::read_write, 0);
  other.execute("BEGIN IMMEDIATE");
  check_failure(shop.run("revert " + shop.ids[0]), 4, {"locked by another process"});
}

TEST_CASE("kedit store: a full disk ends with exit code 1 and leaves a sound store") {
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

// ---- Branches ------------------------------------------------------------------

TEST_CASE(
    "kedit store branch and checkout: branches are listed and created and deleted and chosen") {
  const Shop shop;
  const Json made = shop.json("branch trial --at " + shop.ids[0]);
  CHECK(made["branch"] == "trial");
  CHECK(made["live"] == 1);
  const Json list = shop.json("branch");
  CHECK(list["current"] == "main");
  REQUIRE(list["branches"].size() == 2);
  CHECK(list["branches"][0]["commits"] == 4);
  CHECK(list["branches"][0]["live"] == 2);
  CHECK(list["branches"][1]["current"] == false);
  CHECK(contains(shop.run("branch").out, "trial"));

  CHECK(shop.json("checkout trial")["previous"] == "main");
  CHECK(shop.json("log")["branch"] == "trial");
  CHECK(shop.json("log")["edits"].size() == 1);
  CHECK(shop.json("log --branch main")["edits"].size() == 3);
  shop.json("revert " + shop.ids[0]);
  CHECK(Store::open(shop.file).live("main", kFingerprint).size() == 2);

  check_failure(shop.run("branch trial --delete"), 4, {"trial", "checked out"});
  shop.json("checkout main");
  CHECK(shop.json("branch trial --delete")["deleted"] == "trial");
  CHECK(shop.json("branch")["branches"].size() == 1);
}

TEST_CASE("kedit store branch and checkout: invalid requests are refused and change nothing") {
  const Shop shop;
  shop.json("branch trial");
  check_failure(shop.run("branch trial"), 4, {"trial", "exists already"});
  check_failure(shop.run("branch 'a b'"), 3, {"name of a branch"});
  check_failure(shop.run("branch new --at ffffffffffff"), 3, {"no edit or commit ffffffffffff"});
  check_failure(shop.run("branch new --branch mian"), 3, {"mian", "the store has main, trial"});
  check_failure(shop.run("branch --delete"), 2, {"expected the name of a branch"});
  check_failure(shop.run("branch trial --delete --at 12"), 2, {"--delete"});
  check_failure(shop.run("branch none --delete"), 3, {"none"});
  check_failure(shop.run("checkout mian"), 3, {"mian", "the store has main, trial"});
  check_failure(shop.run("checkout"), 2, {"NAME"});
  CHECK(shop.json("branch")["branches"].size() == 2);
  CHECK(shop.json("branch")["current"] == "main");
}

TEST_CASE("kedit store diff: edits on one side only are listed") {
  const Shop shop;
  shop.json("branch trial");
  std::string ours, theirs;
  {
    Store store = Store::open(shop.file);
    ours = store.commit(claim_delta("Rome", "Gaul", 11));
    theirs = store.commit(claim_delta("Rome", "Persia", 12), {.branch = "trial"});
  }
  const Json diff = shop.json("diff main trial");
  CHECK(diff["common"] == 2);
  REQUIRE(diff["a"]["only"].size() == 1);
  CHECK(diff["a"]["only"][0]["id"] == ours);
  CHECK(diff["b"]["only"][0]["target_new"] == "Persia");
  REQUIRE(diff["contradictions"].size() == 1);
  CHECK(diff["contradictions"][0]["kind"] == "same-key");
  const std::string text = shop.run("diff main trial").out;
  CHECK(contains(text, "- " + ours + " rome Rome -> Gaul"));
  CHECK(contains(text, "+ " + theirs + " rome Rome -> Persia"));
  CHECK(shop.json("diff " + shop.ids[0] + " " + shop.ids[2])["b"]["only"].size() == 2);
  check_failure(shop.run("diff main mian"), 3, {"mian"});
  check_failure(shop.run("diff main"), 2, {"B"});
}

TEST_CASE("kedit store merge: edits are merged and a contradiction is refused with exit code 4") {
  const Shop shop;
  shop.json("branch trial");
  std::string theirs;
  {
    Store store = Store::open(shop.file);
    store.commit(claim_delta("Rome", "Gaul", 11));
    theirs = store.commit(rank_one_delta(12), {.branch = "trial"});
  }
  const Json merged = shop.json("merge trial --note both");
  CHECK(merged["branch"] == "main");
  CHECK(merged["merged"] == "trial");
  CHECK(merged["fast_forward"] == false);
  CHECK(merged["edits"] == Json::array({theirs}));
  CHECK(contains(shop.run("merge trial").out, "main has all of trial already"));
  CHECK(shop.json("merge main --branch trial")["fast_forward"] == true);

  {
    Store store = Store::open(shop.file);
    store.commit(claim_delta("Ostia", "Gaul", 13));
    store.commit(claim_delta("ostia", "Persia", 14), {.branch = "trial"});
  }
  check_failure(
      shop.run("merge trial --json"), 4,
      {"merging trial into main", "Gaul", "Persia", "same subject and prompt", "--allow-conflict"});
  CHECK(shop.json("conflicts --with trial")["conflicts"][0]["kind"] == "same-key");
  CHECK(shop.json("merge trial --allow-conflict")["conflicts"].size() == 1);
  check_failure(shop.run("merge main"), 4, {"into itself"});
  check_failure(shop.run("merge mian"), 3, {"mian"});
  CHECK(shop.json("verify")["sound"] == true);
}

TEST_CASE("kedit store conflicts: conflicts are graded and shown with evidence") {
  const Shop shop;
  CHECK(shop.json("conflicts")["conflicts"].empty());
  CHECK(contains(shop.run("conflicts").out, "no conflicts"));
  {
    Store store = Store::open(shop.file);
    store.commit_all(
        {claim_delta("Rome", "Gaul", 11, "P17"), claim_delta("rome", "Persia", 12, "P17"),
         claim_delta("Rome", "Latin", 13, "P37")},
        {.allow_conflict = true});
  }
  const Json report = shop.json("conflicts --similarity 0.999");
  CHECK(report["checked"]["edits"] == 5);
  CHECK(report["checked"]["similarity"] == 0.999);
  CHECK(report["checked"]["unknown_orientation"] == 5);
  REQUIRE(report["conflicts"].size() == 2);
  const Json& first = report["conflicts"][0];
  CHECK(first["kind"] == "same-key");
  CHECK(first["grade"] == "conflict");
  CHECK(first["edits"].size() == 2);
  CHECK(first["evidence"]["matched"] == "relation");
  CHECK(first["evidence"]["claims"][1]["target"] == "Persia");
  CHECK(report["conflicts"][1]["kind"] == "same-subject");
  CHECK(report["conflicts"][1]["grade"] == "note");
  CHECK(contains(shop.run("conflicts").out, "same subject and relation"));
  check_failure(shop.run("conflicts --similarity 2"), 2, {"similarity"});
  check_failure(shop.run("conflicts --dataset cf:x.json"), 2, {"mquake:FILE"});
  check_failure(shop.run("conflicts --dataset mquake:none.json"), 3, {"none.json"});
  check_failure(shop.run("conflicts --with mian"), 3, {"mian"});
}

TEST_CASE("kedit store conflicts: an edit that breaks another MQuAKE case's chain is found") {
  const Shop shop;
  const std::string dataset = std::string(KEDIT_SOURCE_DIR) + "/assets/lab/mquake.json";
  // A case with one edit and a later hop that it leaves alone; that hop is then overwritten.
  const Json cases = parse_json(read_text_file(dataset), dataset);
  const auto chosen = std::find_if(cases.begin(), cases.end(), [](const Json& one) {
    return one["requested_rewrite"].size() == 1 &&
           one["orig"]["edit_triples"][0] == one["orig"]["new_triples"][0];
  });
  REQUIRE(chosen != cases.end());
  const Json& one = *chosen;
  const Json& rewrite = one["requested_rewrite"][0];
  const Json& hop = one["orig"]["new_triples_labeled"][1];
  {
    Store store = Store::open(shop.file);
    store.commit(
        claim_delta(rewrite["subject"], rewrite["target_new"]["str"], 21, rewrite["relation_id"]));
    store.commit(claim_delta(hop[0], "Nowhere", 22, one["orig"]["new_triples"][1][1]));
  }
  const Json report = shop.json("conflicts --dataset 'mquake:" + dataset + "'");
  CHECK(report["checked"]["dataset"]["edited_cases"] >= 1);
  const std::string name = fmt::format("case {}", one["case_id"].get<int>());
  const auto found = std::find_if(
      report["conflicts"].begin(), report["conflicts"].end(),
      [&](const Json& c) { return c["kind"] == "path" && c["evidence"]["case"] == name; });
  REQUIRE(found != report["conflicts"].end());
  CHECK((*found)["grade"] == "conflict");
  CHECK((*found)["evidence"]["hop"] == 2);
  CHECK((*found)["evidence"]["expected"] == hop[2]);
  CHECK((*found)["evidence"]["claims"][0]["target"] == "Nowhere");
}

TEST_CASE("kedit store gc: --dry-run lists garbage and without it the garbage is removed") {
  const Shop shop;
  shop.json("branch trial");
  std::string lost;
  {
    Store store = Store::open(shop.file);
    lost = store.commit(rank_one_delta(12, 2000, 2000), {.branch = "trial"});
    store.delete_branch("trial");
  }
  const Json told = shop.json("gc --dry-run");
  CHECK(told["dry_run"] == true);
  REQUIRE(told["edits"].size() == 1);
  CHECK(told["edits"][0]["id"] == lost);
  CHECK(told["commits"] == 1);
  CHECK(shop.json("show " + lost)["id"] == lost);
  CHECK(contains(shop.run("gc --dry-run").out, "would remove 1 edit"));
  const Json removed = shop.json("gc");
  CHECK(removed["compacted"] == true);
  CHECK(removed["bytes_after"] < removed["bytes_before"]);
  check_failure(shop.run("show " + lost), 3, {"no such edit"});
  CHECK(shop.json("show " + shop.ids[1])["reverted_by"] == shop.revert);
  CHECK(shop.json("verify")["sound"] == true);
  Connection other(shop.file, Access::read_write, 0);
  other.execute("BEGIN IMMEDIATE");
  check_failure(shop.run("gc"), 4, {"locked by another process"});
}
