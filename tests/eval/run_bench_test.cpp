#include "eval/bench.hpp"
#include "eval/report.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/eval/tiny_model.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>

using namespace kedit;
using namespace kedit::testing;

namespace {

class ScratchStore {
 public:
  ScratchStore()
      : path_(
            std::filesystem::temp_directory_path() /
            ("kedit-run-bench-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".db")) {
    remove();
  }
  ~ScratchStore() { remove(); }
  Store open() const { return Store::open(path_, OpenMode::create); }

 private:
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(path_.string() + ending);
  }
  std::filesystem::path path_;
};

BenchConfig mini_config() {
  BenchConfig config;
  config.name = "mini";
  config.dataset = "mquake:mini.json";
  config.editors = {{"in-context", "in-context", Json::object()}};
  config.controls = {"unedited", "oracle", "copy-last-edit"};
  config.prompts = "lab";
  config.asks = {Ask::cloze, Ask::question, Ask::direct};
  return config;
}

BenchInputs mini_inputs(std::uint64_t model_seed = 1) {
  BenchInputs inputs;
  inputs.model = tiny_model(model_seed);
  inputs.dataset.name = "mini.json";
  inputs.dataset.sha256 = "ab";
  inputs.dataset.cases = {two_hop_case(1), two_hop_case(2), capital_case(3)};
  return inputs;
}

/// Stops after a number of questions whether to stop.
RunContext stopping_after(int questions) {
  RunContext run;
  run.stop_requested = [left = questions]() mutable { return --left < 0; };
  return run;
}

std::string scores_of(const Store& store, const std::string& run) {
  std::vector<BenchReport> reports;
  reports.push_back(make_report(load_run(store, run), {100, 0, 4}));
  return to_text(to_json(reports)["runs"][0]["scores"]);
}

}  // namespace

TEST_CASE("a run of a real editor and controls ends in a report") {
  const ScratchStore file;
  Store store = file.open();
  const std::string id = run_bench(mini_config(), mini_inputs(), store, {});
  const RunData data = load_run(store, id);
  CHECK(data.record.state == "done");
  CHECK(data.cases.size() == 3);
  CHECK(data.outputs.size() == 4);
  for (const auto& [case_id, outputs] : data.outputs.at("in-context")) {
    CAPTURE(case_id);
    REQUIRE(outputs.edit_ids.size() == 1);
    CHECK(store.find(outputs.edit_ids[0]).has_value());
    CHECK(outputs.failure.empty());
    // Alone in its group, a case's in-context prompt is the oracle's.
    CHECK(outputs.direct[0].raw == data.outputs.at("oracle").at(case_id).direct[0].raw);
  }
  CHECK(data.outputs.at("copy-last-edit").at(1).direct[0].answer == "Belmar");
  std::vector<BenchReport> reports;
  reports.push_back(make_report(load_run(store, id), {100, 0, 4}));
  CHECK(contains(to_html(reports), "copy-last-edit"));
  CHECK(store.verify().empty());
}

TEST_CASE("an interrupted run goes on with the same configuration and ends the same") {
  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  const std::string all = run_bench(mini_config(), mini_inputs(), whole, {});
  const int stop = GENERATE(0, 1, 3, 6, 9);
  CHECK_THROWS_AS(run_bench(mini_config(), mini_inputs(), cut, stopping_after(stop)), Interrupted);
  REQUIRE(cut.runs().size() == 1);
  CHECK(cut.runs()[0].state == "interrupted");
  const std::string id = run_bench(mini_config(), mini_inputs(), cut, {});
  CHECK(cut.runs().size() == 1);
  CHECK(cut.runs()[0].state == "done");
  CHECK(scores_of(cut, id) == scores_of(whole, all));
}

TEST_CASE("a run goes on only with the model and data that it began with") {
  const ScratchStore file;
  Store store = file.open();
  CHECK_THROWS_AS(run_bench(mini_config(), mini_inputs(), store, stopping_after(3)), Interrupted);
  CHECK(contains(message_of([&] { run_bench(mini_config(), mini_inputs(2), store, {}); }),
                 "its model is not what this run would have"));
  BenchInputs other = mini_inputs();
  other.dataset.sha256 = "cd";
  CHECK(contains(message_of([&] { run_bench(mini_config(), other, store, {}); }),
                 "its dataset is not what this run would have"));
}

TEST_CASE("cases of one group share their edits") {
  const ScratchStore file;
  Store store = file.open();
  BenchConfig config = mini_config();
  config.grouping = {Grouping::file, 0, 0};
  const RunData data = load_run(store, run_bench(config, mini_inputs(), store, {}));
  CHECK(data.outputs.at("in-context").at(1).edit_ids.size() == 3);
  CHECK(data.header["protocol"]["contaminated"].size() == 2);
}
