#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;

TEST_CASE("kedit demo: five edits are made and undone bit for bit and a report is written") {
  const ScratchFolder scratch;
  const std::string store = (scratch / "demo.db").string();
  const Outcome outcome =
      run_kedit({"demo", "--cases", "1", "--out", (scratch / "report.html").string(), "--store",
                 store, "--json", "--threads", "1"},
                {.environment = {{"KEDIT_MODEL", KEDIT_SOURCE_DIR "/assets/lab/model"}}});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json demo = parse_json(outcome.out, "standard output");
  REQUIRE(demo["edits"].size() == 5);
  for (const Json& edit : demo["edits"]) {
    CAPTURE(edit["prompt"].get<std::string>());
    CHECK(edit["before"] != edit["target_new"]);
    CHECK(edit["after"] == edit["target_new"]);
  }
  CHECK(demo["undo"]["others_exact"] == true);
  CHECK(demo["undo"]["base_again"] == true);
  CHECK(demo["edits"][0]["first_undone"] == demo["edits"][0]["before"]);
  CHECK(demo["bench"]["cases"] == 1);
  CHECK(demo["bench"]["systems"].size() == 5);
  const std::string report = read_text(scratch / "report.html");
  CHECK(report.find("<!doctype html>") == 0);
  CHECK(report.find("copy-last-edit") != std::string::npos);
  CHECK(run_kedit({"store", "verify", "--store", store}).code == 0);
}

TEST_CASE("kedit demo --real: a model of another world still gives a page, and is as it was") {
  const ScratchFolder scratch;
  const std::string model = KEDIT_SOURCE_DIR "/assets/lab/model";
  const std::string page = (scratch / "page.html").string();
  const Outcome outcome =
      run_kedit({"demo", "--real", "--model", model, "--out", page, "--store",
                 (scratch / "demo.db").string(), "--json", "--quiet", "--threads", "1"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json demo = parse_json(outcome.out, "standard output");
  CHECK(demo["undo"]["base_again"] == true);
  CHECK(demo["undo"]["fingerprint"] == demo["model"]["fingerprint"]);
  REQUIRE(demo["facts"].size() >= 1);
  for (const Json& fact : demo["facts"]) {
    CHECK(fact["edits"].size() == 2);
    REQUIRE(fact["prompts"].size() >= 8);
    for (const Json& prompt : fact["prompts"]) {
      REQUIRE(prompt["answers"].size() == 3);
      CHECK(prompt["answers"]["before"]["top"].size() >= 3);
    }
  }
  CHECK(read_text(page).find("<!doctype html>") == 0);
  const Json log = parse_json(
      run_kedit({"store", "log", "--store", (scratch / "demo.db").string(), "--json"}).out, "log");
  REQUIRE(log["edits"].size() == 2 * demo["facts"].size());
  for (const Json& edit : log["edits"]) CHECK(edit.contains("reverted_by"));
}

TEST_CASE("kedit demo --real: without its model it says how to get it") {
  const ScratchFolder scratch;
  const RunOptions options{
      .environment = {{"KEDIT_CACHE", scratch.path().string()}, {"KEDIT_MODEL", ""}},
      .directory = scratch.path()};
  const Outcome absent = run_kedit({"demo", "--real"}, options);
  CHECK(absent.code == 3);
  CHECK(absent.out.empty());
  CHECK(is_one_sentence(absent.err, {"kedit model get smollm2-135m-instruct"}));
  CHECK_FALSE(std::filesystem::exists(scratch / "kedit-demo.db"));
  const Outcome cases = run_kedit({"demo", "--real", "--cases", "3"}, options);
  CHECK(cases.code == 2);
  CHECK(is_one_sentence(cases.err, {"--cases"}));
}
