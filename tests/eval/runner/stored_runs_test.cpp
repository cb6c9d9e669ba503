// Runs that an earlier version stored (tests/golden/runs_golden.py): they open, say the same
// numbers and go on.
#include "datasets/case_files.hpp"
#include "eval/report/report.hpp"
#include "eval/runner/run.hpp"
#include "eval/score.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <filesystem>

using namespace kedit;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = fs::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "runs";
const fs::path kLab = fs::path(KEDIT_SOURCE_DIR) / "assets" / "lab";

Json golden(const std::string& name) { return read_json(kGolden / name); }

// Everything but intervals.
Json numbers_of(const Store& store, const std::string& run) {
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, run), {20, 0, 4}));
  const Json report = to_json(reports)["runs"][0];
  Json numbers{{"scores", Json::array()}, {"recall", report.value("recall", Json())}};
  for (Json one : report["scores"]) {
    one.erase("interval95");
    Json row = Json::array();
    for (const auto& [key, value] : one.items()) row.push_back(value);
    numbers["scores"].push_back(std::move(row));
  }
  numbers["specificity"] = Json::array();
  if (report.contains("specificity")) {
    for (Json one : report["specificity"]) {
      one.erase("interval95");
      numbers["specificity"].push_back(std::move(one));
    }
  }
  return numbers;
}

// Stores open for writing beside themselves: never where they are kept.
fs::path copied(const TemporaryDirectory& folder, const std::string& name) {
  fs::copy_file(kGolden / name, folder / name);
  return folder / name;
}

}  // namespace

TEST_CASE("stored runs of an earlier version are reported with the same numbers") {
  const TemporaryDirectory folder;
  const std::string run = GENERATE("unedited-rest", "records-counterfact", "records-zsre", "cut");
  CAPTURE(run);
  const std::string file = run == "cut" ? "interrupted.db" : "finished.db";
  const Store store = Store::open(copied(folder, file), OpenMode::read_only);
  const Json numbers = numbers_of(store, run);
  const Json expected = golden("reports.json")[run];
  REQUIRE(expected["scores"].size() > 20);
  REQUIRE(numbers["scores"].size() == expected["scores"].size());
  for (std::size_t i = 0; i < expected["scores"].size(); ++i) {
    const Json &now = numbers["scores"][i], &was = expected["scores"][i];
    CAPTURE(to_text(was));
    // The last three are hit, n and value.
    for (std::size_t field = 0; field + 3 < was.size(); ++field) CHECK(now[field] == was[field]);
    for (std::size_t field = was.size() - 3; field < was.size(); ++field) {
      CHECK(now[field].get<double>() == Approx(was[field].get<double>()).margin(1e-9));
    }
  }
  CHECK(numbers["recall"] == expected["recall"]);
  REQUIRE(numbers["specificity"].size() == expected["specificity"].size());
  for (std::size_t i = 0; i < expected["specificity"].size(); ++i) {
    for (const auto& [field, was] : expected["specificity"][i].items()) {
      CAPTURE(i, field);
      CHECK(to_text(numbers["specificity"][i].at(field)) == to_text(was));
    }
  }
}

TEST_CASE("compare_runs: a case that stays unedited in one run is judged by each run's own golds") {
  const TemporaryDirectory folder;
  const auto report = [&](const std::string& file, const std::string& run) {
    const Store store = Store::open(copied(folder, file), OpenMode::read_only);
    return report::make_report(runner::load_run(store, run), {20, 0, 4});
  };
  const report::BenchReport rem = report("finished.db", "unedited-rest");
  const report::BenchReport cut = report("interrupted.db", "cut");
  const auto there = report::compare_runs(rem, cut, {20, 0, 4});
  const auto back = report::compare_runs(cut, rem, {20, 0, 4});
  REQUIRE(there.has_value());
  REQUIRE(back.has_value());
  CHECK(there->cases == 6);
  REQUIRE(there->rows.size() == back->rows.size());
  // The unedited model knows the old hops, which only the first run expects of it.
  const auto unedited = [](const report::RunComparison& comparison) {
    for (const report::PairedDifference& row : comparison.rows) {
      if (row.first == "unedited" && row.metric == "instance_wise") return row;
    }
    return report::PairedDifference{};
  };
  CHECK(unedited(*there).value > 0.0);
  CHECK(unedited(*there).value == Approx(-unedited(*back).value));
}

TEST_CASE("a run that an earlier version began goes on and ends as one begun afresh") {
  const TemporaryDirectory folder;
  Store store = Store::open(copied(folder, "interrupted.db"), OpenMode::create);
  const RunRecord begun = store.runs().back();
  const runner::BenchConfig config =
      runner::bench_config_from_json(parse_json(begun.config, "config"), "config.json");
  runner::BenchInputs inputs{Model::load(kLab / "model"),
                             cases_of(read_mquake(kLab / "mquake.json"))};
  INFO("the lab was trained anew? run tests/golden/runs_golden.py with the program of its commit");
  REQUIRE(parse_json(begun.header, "header")["model"]["fingerprint"] ==
          inputs.model->fingerprint());
  CHECK(begun.done > 18);  // in the middle of an editor's group
  CHECK(runner::run_bench(config, inputs, store, {}) == begun.id);
  CHECK(store.run(begun.id)->state == "done");
  CHECK(store.verify().empty());

  Store fresh = Store::open(folder / "fresh.db", OpenMode::create);
  const std::string run = runner::run_bench(config, inputs, fresh, {});
  CHECK(to_text(numbers_of(store, begun.id)["scores"]) ==
        to_text(numbers_of(fresh, run)["scores"]));
}

TEST_CASE("recorded predictions are scored as an earlier version scored them") {
  const Dataset dataset = cases_of(read_mquake(kLab / "mquake.json"));
  const auto predictions = read_predictions(kGolden / "predictions.json");
  for (const GoldSide side : {GoldSide::post, GoldSide::pre}) {
    ScoreOptions options;
    options.gold = side;
    options.rules = parse_match_rules("all");
    const Json scored = score_predictions(dataset, predictions, options);
    const Json expected = golden("scored.json")[to_string(side)];
    CHECK(scored["protocol"] == expected["protocol"]);
    CHECK(to_text(scored["metrics"]) == to_text(expected["metrics"]));
    CHECK(scored["hits"] == expected["hits"]);
    for (const char* breakdown : {"hops", "contaminated"}) {
      CHECK(to_text(scored["by"][breakdown]) == to_text(expected["by"][breakdown]));
    }
  }
}
