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
