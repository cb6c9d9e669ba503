#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

/// `kedit edit` with settings that a toy model can bear, in a folder of its own.
struct EditFolder {
  ScratchFolder scratch;
  fs::path model = write_tiny_model(scratch / "model");
  fs::path store = scratch / "kedit.db";

  Words words(const Words& more) const {
    Words all{"edit",         "--model",
              model.string(), "--store",
              store.string(), "--json",
              "--set",        "layers=[0]",
              "--set",        "mom2_adjustment=false",
              "--set",        R"(context_templates=["{}","So {}"])",
              "--set",        "v_num_grad_steps=4"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Outcome edit(const Words& more) const { return run_kedit(words(more)); }
};

const Words kOne{"--editor", "rome",       "--subject", "Avaria",
                 "--prompt", "{} lies in", "--target",  "Bor"};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void check_error(const Outcome& outcome, int code, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

}  // namespace

TEST_CASE("an edit is made, committed and measured before and after") {
  const EditFolder folder;
  const Outcome outcome = folder.edit(with(kOne, {"--target-true", "Kel"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json json = parse_json(outcome.out, "answer");
  CHECK(json.at("branch") == "main");
  const Json& edit = json.at("edits").at(0);
  CHECK(edit.at("editor") == "rome");
  CHECK(edit.at("subject") == "Avaria");
  CHECK(edit.at("id").get<std::string>().size() == 12);
  CHECK(edit.at("after").at("target_new_logprob") > edit.at("before").at("target_new_logprob"));
  CHECK(edit.at("before").at("target_true_logprob").is_number());
  CHECK(edit.at("before").at("argmax_text").is_string());
  CHECK(edit.at("norms").at("update_frobenius") > 0.0);
  CHECK(edit.at("optimisation").at("loss").size() == edit.at("optimisation").at("steps"));
  for (const char* phase : {"context", "key", "value", "solve", "commit", "total"}) {
    CHECK(edit.at("seconds").at(phase).is_number());
  }
  CHECK(fs::exists(folder.store));
}

TEST_CASE("a dry run measures and leaves no store behind") {
  const EditFolder folder;
  const Outcome outcome = folder.edit(with(kOne, {"--dry-run"}));
  REQUIRE(outcome.code == 0);
  CHECK(parse_json(outcome.out, "answer").at("edits").at(0).at("id").is_null());
  CHECK_FALSE(fs::exists(folder.store));
}

TEST_CASE("several requests are edited in turn, in-context ones keep the weights") {
  const EditFolder folder;
  write_text(folder.scratch / "requests.jsonl",
             R"({"subject": "Avaria", "prompt": "{} lies in", "target_new": "Bor"})"
             "\n"
             R"({"subject": "Belgara", "prompt": "Belgara lies in", "target_new": {"str": " Kel"}})"
             "\n");
  const std::string file = (folder.scratch / "requests.jsonl").string();
  const Outcome weights = folder.edit({"--editor", "rome", "--requests", file});
  INFO(weights.err);
  REQUIRE(weights.code == 0);
  CHECK(parse_json(weights.out, "answer").at("edits").size() == 2);
  const Outcome facts =
      run_kedit({"edit", "--model", folder.model.string(), "--store", folder.store.string(),
                 "--json", "--editor", "in-context", "--requests", file});
  INFO(facts.err);
  REQUIRE(facts.code == 0);
  const Json json = parse_json(facts.out, "answer");
  CHECK(json.at("edits").size() == 2);
  CHECK(json.at("edits").at(0).at("norms").at("update_frobenius").is_null());
}

TEST_CASE("an unhealthy edit exits with its figures and commits nothing") {
  const EditFolder folder;
  check_error(folder.edit(with(kOne, {"--set", "max_update_ratio=1e-6"})), 1, {"ratio", "--force"});
  const Outcome log = run_kedit({"store", "log", "--store", folder.store.string(), "--json"});
  REQUIRE(log.code == 0);
  CHECK(parse_json(log.out, "log").at("edits").empty());

  const Outcome forced = folder.edit(with(kOne, {"--set", "max_update_ratio=1e-6", "--force"}));
  CHECK(forced.code == 0);
}

TEST_CASE("wrong requests, settings and command lines end in one sentence") {
  const EditFolder folder;
  const auto edited = [&](const Words& words) { return folder.edit(words); };
  check_error(edited({"--editor", "rome", "--subject", "Avaria", "--prompt", "Kelia lies in",
                      "--target", "Bor"}),
              3, {"prompt", "Avaria"});
  check_error(
      edited({"--editor", "rome", "--subject", "Avaria", "--prompt", "{} lies in", "--target", ""}),
      3, {"target"});
  check_error(edited({"--editor", "rom", "--subject", "A", "--prompt", "{} is", "--target", "B"}),
              2, {"did you mean rome"});
  check_error(edited({"--editor", "rome", "--subject", "A", "--prompt", "{} is"}), 2, {"--target"});
  check_error(edited(with(kOne, {"--set", "v_lrr=1"})), 2, {"v_lrr", "did you mean v_lr"});
  check_error(edited(with(kOne, {"--set", "layers=[9]"})), 2, {"layers"});
  check_error(edited(with(kOne, {"--mode", "batch"})), 2, {"--mode"});
  write_text(folder.scratch / "settings.json", R"({"v_lrr": 1})");
  check_error(edited(with(kOne, {"--settings", (folder.scratch / "settings.json").string()})), 3,
              {"v_lrr"});
  check_error(edited({"--editor", "rome", "--requests", "absent.jsonl"}), 3, {"absent.jsonl"});
}

TEST_CASE("a model without a tokenizer cannot be edited") {
  const EditFolder folder;
  for (const auto& entry : fs::directory_iterator(folder.model)) {
    const std::string name = entry.path().filename().string();
    if (name.find("token") != std::string::npos) fs::remove(entry.path());
  }
  check_error(folder.edit(kOne), 3, {"tokenizer"});
  CHECK_FALSE(fs::exists(folder.store));
}

TEST_CASE("missing key statistics are asked for, and kedit stats provides them") {
  const EditFolder folder;
  write_text(folder.scratch / "corpus.txt",
             "The first line of a text that is long enough to count.\nAnother line follows it.\n");
  RunOptions run;
  run.environment["KEDIT_CACHE"] = (folder.scratch / "cache").string();
  const Words edit =
      folder.words(with(kOne, {"--set", "mom2_adjustment=true", "--set", "mom2_ridge=0.1"}));
  check_error(run_kedit(edit, run), 1, {"kedit stats", "--layers 0"});

  const Outcome stats =
      run_kedit({"stats", "--model", folder.model.string(), "--corpus",
                 (folder.scratch / "corpus.txt").string(), "--layers", "0,1", "--json"},
                run);
  INFO(stats.err);
  REQUIRE(stats.code == 0);
  const Json json = parse_json(stats.out, "stats");
  CHECK(json.at("layers").size() == 2);
  CHECK(fs::exists(json.at("layers").at(0).at("file").get<std::string>()));
  const Outcome edited = run_kedit(edit, run);
  INFO(edited.err);
  CHECK(edited.code == 0);
}
