#include "json/json.hpp"
#include "store/database.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

fs::path lab(const std::string& name) {
  return fs::path(KEDIT_SOURCE_DIR) / "assets" / "lab" / name;
}

Json answer(const Words& arguments) {
  const Outcome outcome = run_kedit(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

// One edit of the lab model that costs no optimisation.
Words remember(const fs::path& store, const Words& request) {
  Words words{"edit",    "--editor", "in-context", "--model", lab("model").string(),
              "--store", store,      "--json"};
  words.insert(words.end(), request.begin(), request.end());
  return words;
}

const Words kRequest{"--subject", "Zork", "--prompt", "The capital of {} is", "--target", "Luzo"};

// `code` and one sentence with `parts`; standard output empty.
void check_refused(const Outcome& outcome, int code, const Words& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

std::string fingerprint(const fs::path& store) {
  return answer({"model", "info", "--json", "--model", lab("model").string(), "--store",
                 store.string()})["fingerprint"];
}

}  // namespace

TEST_CASE("kedit edit: an edit changes the model and its revert restores the base bit for bit") {
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  const std::string base =
      answer({"model", "info", "--json", "--model", lab("model").string()})["fingerprint"];
  const std::string request = read_text(lab("requests.jsonl"));
  write_text(scratch / "one.jsonl", request.substr(0, request.find('\n') + 1));
  const Json edited =
      answer({"edit", "--editor", "rome", "--json", "--model", lab("model").string(), "--store",
              store.string(), "--requests", (scratch / "one.jsonl").string()});
  REQUIRE(edited["edits"].size() == 1);
  const Json& edit = edited["edits"][0];
  CHECK(edit["after"]["target_new_logprob"] > edit["before"]["target_new_logprob"]);
  CHECK(fingerprint(store) != base);
  const Json log = answer({"store", "log", "--json", "--store", store.string()});
  REQUIRE(log["edits"].size() == 1);
  CHECK(log["edits"][0]["id"] == edit["id"]);
  CHECK(log["edits"][0]["kind"] == "weights");
  CHECK(run_kedit({"store", "revert", edit["id"], "--store", store.string()}).code == 0);
  CHECK(fingerprint(store) == base);
  CHECK(run_kedit({"store", "verify", "--store", store.string()}).code == 0);
}

TEST_CASE("kedit edit: --dry-run commits nothing") {
  const ScratchFolder scratch;
  Words words = remember(scratch / "kedit.db", kRequest);
  words.emplace_back("--dry-run");
  CHECK(answer(words)["edits"].size() == 1);
  const Outcome log =
      run_kedit({"store", "log", "--json", "--store", (scratch / "kedit.db").string()});
  const bool nothing_there =
      log.code == 3 || parse_json(log.out, "standard output")["edits"].empty();
  CHECK(nothing_there);
}

TEST_CASE("kedit edit: an invalid request is refused and leaves no store") {
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  check_refused(run_kedit(remember(store, {"--subject", "Zork", "--prompt", "The capital of it is",
                                           "--target", "Luzo"})),
                3, {"prompt", "Zork", "The capital of it is"});
  write_text(scratch / "r.jsonl",
             "{\"subject\":\"A\",\"prompt\":\"{} is\",\"target_new\":\"B\"}\n"
             "{\"subject\":\"A\",\"prompt\":\"{} is\"}\n");
  check_refused(run_kedit(remember(store, {"--requests", (scratch / "r.jsonl").string()})), 3,
                {"r.jsonl", "2", "target_new"});
  write_text(scratch / "r.jsonl", "{\"subject\":\n");
  check_refused(run_kedit(remember(store, {"--requests", (scratch / "r.jsonl").string()})), 3,
                {"r.jsonl"});
  CHECK_FALSE(fs::exists(store));
}

TEST_CASE("kedit edit: an unknown editor or setting is refused with the nearest name") {
  const ScratchFolder scratch;
  Words words = remember(scratch / "kedit.db", kRequest);
  words[2] = std::string("romee");
  check_refused(run_kedit(words), 2, {"romee", "did you mean rome?"});
  words[2] = std::string("rome");
  words.insert(words.end(), {"--set", "v_lrr=1"});
  check_refused(run_kedit(words), 2, {"v_lrr", "did you mean v_lr?"});
}

TEST_CASE("edit --mode batch: an editor that solves no batches refuses it, and says who does") {
  const ScratchFolder scratch;
  for (const char* editor : {"rome", "in-context"}) {
    Words words = remember(scratch / "kedit.db", kRequest);
    words[2] = editor;
    words.insert(words.end(), {"--mode", "batch"});
    check_refused(run_kedit(words), 2, {"--mode", editor, "memit, alphaedit, ft"});
  }
  CHECK_FALSE(fs::exists(scratch / "kedit.db"));
}

TEST_CASE("edit: missing statistics are bad input and leave no store behind") {
  const ScratchFolder scratch;
  Words words = remember(scratch / "kedit.db", kRequest);
  words[2] = std::string("rome");
  words.insert(words.end(), {"--set", "second_moment={\"0\":\"absent.safetensors\"}"});
  check_refused(run_kedit(words), 3, {"layer 0", "absent.safetensors"});
  CHECK_FALSE(fs::exists(scratch / "kedit.db"));
}

TEST_CASE("kedit score: a dataset that is not MQuAKE is refused with record and field") {
  const ScratchFolder scratch;
  write_text(scratch / "predictions.json", "[]");
  const auto score = [&](const std::string& text) {
    write_text(scratch / "data.json", text);
    return run_kedit({"score", "--json", "--dataset", "mquake:" + (scratch / "data.json").string(),
                      "--predictions", (scratch / "predictions.json").string()});
  };
  check_refused(score("{\"a\": 1}"), 3, {"data.json", "array"});
  check_refused(score("[{\"case_id\": 1}]"), 3, {"data.json", "1"});
  check_refused(score("[1,"), 3, {"data.json"});
  Json cases = parse_json(read_text(lab("mquake.json")), "mquake.json");
  cases[4]["requested_rewrite"][0]["target_new"]["str"] = nullptr;
  check_refused(score(cases.dump()), 3, {"data.json", "requested_rewrite/0/target_new/str"});
}

TEST_CASE("kedit edit: a store locked by another process ends with exit code 4 and is unchanged") {
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  CHECK(run_kedit(remember(store, kRequest)).code == 0);
  {
    Connection other(store, Access::read_write, 0);
    const Transaction writing(other);
    check_refused(run_kedit(remember(store, kRequest)), 4, {"kedit.db"});
  }
  CHECK(answer({"store", "log", "--json", "--store", store.string()})["edits"].size() == 1);
  CHECK(run_kedit({"store", "verify", "--store", store.string()}).code == 0);
}

TEST_CASE("kedit edit: a full disk ends with exit code 1 and leaves a sound store") {
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  CHECK(run_kedit(remember(store, kRequest)).code == 0);
  Words many = remember(store, {"--requests", lab("requests.jsonl").string()});
  const auto room = static_cast<long>(fs::file_size(store)) + 4096;
  const Outcome full = run_kedit(many, {.file_size_limit = room});
  INFO(full.err);
  CHECK(full.code == 1);
  CHECK(full.out.empty());
  CHECK(run_kedit({"store", "verify", "--store", store.string()}).code == 0);
}

TEST_CASE("kedit model logits: standard output on a full disk is a failure") {
  const Outcome full =
      run_kedit({"model", "logits", "--json", "--ids", "1,2", "--model", lab("model").string()},
                {.out_to = "/dev/full"});
  CHECK(full.code == 1);
  CHECK(is_one_sentence(full.err, {"writing standard output"}));
}

TEST_CASE("kedit store: missing stores and other files and unknown ids have different exit codes") {
  const ScratchFolder scratch;
  const std::string absent = (scratch / "absent.db").string();
  check_refused(run_kedit({"store", "log", "--json", "--store", absent}), 3, {"absent.db"});
  CHECK_FALSE(fs::exists(absent));
  write_text(scratch / "text.db", "this is no database, whatever its name says");
  check_refused(run_kedit({"store", "log", "--json", "--store", (scratch / "text.db").string()}), 4,
                {"text.db"});
  const fs::path store = scratch / "kedit.db";
  CHECK(run_kedit(remember(store, kRequest)).code == 0);
  check_refused(run_kedit({"store", "revert", "ffff", "--json", "--store", store.string()}), 3,
                {"ffff"});
}

TEST_CASE("kedit train lab: an interrupted training ends with exit code 130 and writes no model") {
  const ScratchFolder scratch;
  const fs::path out = scratch / "lab";
  const Outcome outcome = run_kedit({"train", "lab", "--out", out.string(), "--threads", "1"},
                                    {.interrupt_at = "facts of"});
  INFO(outcome.err);
  CHECK(outcome.code == 130);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find("\nkedit: ") != std::string::npos);
  CHECK_FALSE(fs::exists(out / "model" / "model.safetensors"));
}
