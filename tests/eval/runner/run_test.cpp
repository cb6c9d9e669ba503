#include "eval/runner/run.hpp"

#include "datasets/counterfact.hpp"
#include "editors/editor.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/metrics/ngram_entropy.hpp"
#include "eval/protocol/contamination.hpp"
#include "eval/report/report.hpp"
#include "eval/text_records.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/eval/tiny_model.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>

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
  const std::filesystem::path& path() const { return path_; }
  Store open() const { return Store::open(path_, OpenMode::create); }

 private:
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(path_.string() + ending);
  }
  std::filesystem::path path_;
};

runner::BenchConfig mini_config() {
  runner::BenchConfig config;
  config.name = "mini";
  config.dataset = "mquake:mini.json";
  config.editors = {{"in-context", "in-context", Json::object()}};
  config.controls = {"unedited", "oracle", "copy-last-edit"};
  config.prompts = "lab";
  config.asks = {Ask::cloze, Ask::question, Ask::direct};
  return config;
}

runner::BenchInputs mini_inputs(std::uint64_t model_seed = 1) {
  runner::BenchInputs inputs;
  inputs.model = tiny_model(model_seed);
  inputs.dataset.name = "mini.json";
  inputs.dataset.sha256 = "ab";
  inputs.dataset.cases = {two_hop_case(1), two_hop_case(2), capital_case(3)};
  return inputs;
}

/// The same with a fact that stays mounted.
runner::BenchInputs edited_inputs() {
  runner::BenchInputs inputs = mini_inputs();
  EditDelta told;
  told.editor = "in-context";
  told.base_fingerprint = inputs.model->fingerprint();
  told.facts = {{"Belmar", "P36", "Fenwick", "The capital of Belmar is Fenwick"}};
  inputs.start.emplace(inputs.model);
  inputs.start->mount("told", std::move(told));
  return inputs;
}

/// Stops after a number of questions whether to stop.
RunContext stopping_after(int questions) {
  RunContext run;
  run.stop_requested = [left = questions]() mutable { return --left < 0; };
  return run;
}

std::string id_of(const Store& store) { return store.runs().back().id; }

std::string scores_of(const Store& store, const std::string& run) {
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, run), {100, 0, 4}));
  return to_text(to_json(reports)["runs"][0]["scores"]);
}

}  // namespace

TEST_CASE("run_bench: a run of an editor and controls ends in a report") {
  const ScratchStore file;
  Store store = file.open();
  const std::string id = runner::run_bench(mini_config(), mini_inputs(), store, {});
  const runner::RunData data = runner::load_run(store, id);
  CHECK(data.record.state == "done");
  CHECK(data.cases.size() == 3);
  CHECK(data.outputs.size() == 4);
  for (const auto& [case_id, outputs] : data.outputs.at("in-context")) {
    CAPTURE(case_id);
    REQUIRE(outputs.edit_ids.size() == 1);
    CHECK(store.find(outputs.edit_ids[0]).has_value());
    CHECK(outputs.failure.empty());
    // Alone in its group, a case's in-context prompt is the oracle's.
    const Case one = case_id == 3 ? capital_case(3) : two_hop_case(case_id);
    CHECK(direct_at(outputs, one, 0).raw ==
          direct_at(data.outputs.at("oracle").at(case_id), one, 0).raw);
  }
  CHECK(direct_at(data.outputs.at("copy-last-edit").at(1), two_hop_case(1), 0).answer == "Belmar");
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, id), {100, 0, 4}));
  CHECK(contains(report::to_html(reports), "copy-last-edit"));
  CHECK(store.verify().empty());
}

TEST_CASE(
    "run_bench: a setting or statistics that no edit can do with end the run before it begins") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.editors = {{"rome", "rome", {{"layers", {9}}}}};
  CHECK_THROWS_AS(runner::run_bench(config, mini_inputs(), store, {}), SettingsError);
  config.editors[0].settings = {{"layers", {0}}, {"second_moment", {{"0", "absent"}}}};
  CHECK_THROWS_AS(runner::run_bench(config, mini_inputs(), store, {}), StatisticsError);
  CHECK_THROWS_AS(runner::check_editors(config, *mini_inputs().model), StatisticsError);
  CHECK(store.runs().empty());
}

TEST_CASE("run_bench: statistics that turn out to be of no use end the run, and it can go on") {
  const ScratchStore file;
  Store store = file.open();
  const std::filesystem::path statistics = file.path().string() + ".safetensors";
  std::ofstream(statistics) << "no statistics";
  runner::BenchConfig config = mini_config();
  config.editors = {
      {"rome", "rome", {{"layers", {0}}, {"second_moment", {{"0", statistics.string()}}}}}};
  CHECK_THROWS(runner::run_bench(config, mini_inputs(), store, {}));
  REQUIRE(store.runs().size() == 1);
  CHECK(store.runs()[0].state != "done");
  CHECK(runner::load_run(store, id_of(store)).outputs.count("rome") == 0);
  std::filesystem::remove(statistics);
}

TEST_CASE("run_bench: a report states the settings in effect") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.editors = {{"rome", "rome", {{"layers", {0}}, {"mom2_adjustment", false}}}};
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.cases = "1";
  config.editors[0].settings["v_num_grad_steps"] = 1;
  config.editors[0].settings["max_update_ratio"] = 1e6;
  config.editors[0].settings["context_templates"] = {"{}"};
  runner::BenchInputs inputs = mini_inputs();
  inputs.model = tiny_model(1, 2);  // ROME reaches no answer from the last layer
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, inputs, store, {}));
  const Json stated =
      parse_json(data.header["systems"][0]["settings"].get<std::string>(), "settings");
  const auto& outputs = data.outputs.at("rome").at(1);
  REQUIRE(outputs.edit_ids.size() == 1);
  Json used = store.find(outputs.edit_ids[0])->settings;
  used.erase("seed");  // of the run, which its header states
  CHECK(stated == used);
}

TEST_CASE("run_bench: an interrupted run resumes with equal scores") {
  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  const std::string all = runner::run_bench(mini_config(), mini_inputs(), whole, {});
  const int stop = GENERATE(0, 1, 3, 6, 9);
  CHECK_THROWS_AS(runner::run_bench(mini_config(), mini_inputs(), cut, stopping_after(stop)),
                  Interrupted);
  REQUIRE(cut.runs().size() == 1);
  CHECK(cut.runs()[0].state == "interrupted");
  const std::string id = runner::run_bench(mini_config(), mini_inputs(), cut, {});
  CHECK(cut.runs().size() == 1);
  CHECK(cut.runs()[0].state == "done");
  CHECK(scores_of(cut, id) == scores_of(whole, all));
}

TEST_CASE("run_bench: resuming with another model or dataset is refused") {
  const ScratchStore file;
  Store store = file.open();
  CHECK_THROWS_AS(runner::run_bench(mini_config(), mini_inputs(), store, stopping_after(3)),
                  Interrupted);
  CHECK(contains(message_of([&] { runner::run_bench(mini_config(), mini_inputs(2), store, {}); }),
                 "its model is not what this run would have"));
  runner::BenchInputs other = mini_inputs();
  other.dataset.sha256 = "cd";
  CHECK(contains(message_of([&] { runner::run_bench(mini_config(), other, store, {}); }),
                 "its dataset is not what this run would have"));
}

TEST_CASE("run_bench: schedules immediate and end make edits case by case") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.name = "immediate";
  config.schedules = {runner::Schedule::immediate};
  const runner::RunData now =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  for (const std::int64_t id : {1, 2, 3}) {
    CHECK(now.outputs.at("in-context").at(id).edit_ids.size() == static_cast<std::size_t>(id));
  }
  config.name = "end";
  config.schedules = {runner::Schedule::end};
  const runner::RunData end =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  CHECK(end.outputs.at("in-context").at(1).edit_ids.size() == 3);
  CHECK(end.header["protocol"]["schedule"] != now.header["protocol"]["schedule"]);
}

TEST_CASE("run_bench: immediate and end together share their edits and never a column") {
  const ScratchStore file, apart_file;
  Store store = file.open(), apart = apart_file.open();
  runner::BenchConfig config = mini_config();
  config.controls = {"unedited"};
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.schedules = {runner::Schedule::immediate, runner::Schedule::end};
  const std::string id = runner::run_bench(config, mini_inputs(), store, {});
  CHECK(store.run(id)->done == 9);
  CHECK(store.run(id)->total == 9);
  const runner::RunData data = runner::load_run(store, id);
  const auto& now = data.outputs.at("in-context, immediate");
  const auto& end = data.outputs.at("in-context, end");
  for (const std::int64_t one : {1, 2, 3}) {
    CHECK(now.at(one).edit_ids.size() == static_cast<std::size_t>(one));
    CHECK(end.at(one).edit_ids == now.at(3).edit_ids);  // made once
  }
  CHECK(data.header["systems"][0]["schedule"] == "immediate");
  CHECK(data.header["systems"][1]["schedule"] == "end");
  CHECK(contains(data.header["protocol"]["schedule"].get<std::string>(), "columns of their own"));
  // Each column is what a run under this schedule alone has.
  for (const runner::Schedule schedule : config.schedules) {
    runner::BenchConfig alone = config;
    alone.schedules = {schedule};
    alone.name = to_string(schedule);
    const runner::RunData single =
        runner::load_run(apart, runner::run_bench(alone, mini_inputs(), apart, {}));
    const auto& column = schedule == runner::Schedule::end ? end : now;
    for (const auto& [one, outputs] : single.outputs.at("in-context")) {
      CHECK(outputs.outputs.size() == column.at(one).outputs.size());
      const Case of = one == 3 ? capital_case(3) : two_hop_case(one);
      CHECK(direct_at(outputs, of, 0) == direct_at(column.at(one), of, 0));
    }
  }
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, id), {100, 0, 4}));
  for (const std::string& shown : {report::to_html(reports), report::to_markdown(reports)}) {
    CHECK(contains(shown, "in-context, immediate"));
    CHECK(contains(shown, "in-context, end"));
    CHECK(contains(shown, "columns of their own"));
  }
}

TEST_CASE("run_bench: cases asked together have the outputs of cases asked one by one") {
  const ScratchStore one_file, together_file;
  Store one = one_file.open(), together = together_file.open();
  runner::BenchConfig config = mini_config();
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.asks = {Ask::cloze, Ask::question, Ask::direct, Ask::cot};
  config.further = {true, true, true, true};
  runner::BenchInputs inputs = mini_inputs();
  const runner::RunData apart = runner::load_run(one, runner::run_bench(config, inputs, one, {}));
  inputs.together = 2;
  const runner::RunData joint =
      runner::load_run(together, runner::run_bench(config, inputs, together, {}));
  // Numbers of other batches are equal to rounding; ids of edits name their run.
  const auto words_of = [](CaseOutputs outputs, const Case& of) {
    outputs.edit_seconds = outputs.answer_seconds = 0.0;
    for (Output& output : outputs.outputs) output.forced.logprob = output.forced.lowest = 0.0;
    outputs.neighbours.clear();
    outputs.edit_ids.clear();
    return to_text(to_json(outputs, of));
  };
  for (const Case& of : apart.cases) {
    for (const char* system : {"in-context", "unedited", "oracle", "copy-last-edit"}) {
      CAPTURE(of.id, system);
      const CaseOutputs& alone = apart.outputs.at(system).at(of.id);
      const CaseOutputs& with_others = joint.outputs.at(system).at(of.id);
      REQUIRE(words_of(with_others, of) == words_of(alone, of));
      for (std::size_t i = 0; i < alone.outputs.size(); ++i) {
        CHECK(with_others.outputs[i].forced.logprob ==
              Approx(alone.outputs[i].forced.logprob).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("run_bench: an interrupted run of two schedules resumes with equal scores") {
  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  runner::BenchConfig config = mini_config();
  config.controls = {};
  config.grouping = {protocol::Grouping::file, 2, 0};
  config.schedules = {runner::Schedule::immediate, runner::Schedule::end};
  const std::string all = runner::run_bench(config, mini_inputs(), whole, {});
  const int stop = GENERATE(2, 4, 6, 8);
  CHECK_THROWS_AS(runner::run_bench(config, mini_inputs(), cut, stopping_after(stop)), Interrupted);
  const std::string id = runner::run_bench(config, mini_inputs(), cut, {});
  CHECK(scores_of(cut, id) == scores_of(whole, all));
}

TEST_CASE("run_bench: CounterFact's texts are sampled and judged and stored if configured") {
  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  runner::BenchConfig config = mini_config();
  config.dataset = "counterfact:mini.json";
  config.asks = {Ask::cloze};
  config.controls = {"unedited", "oracle"};
  config.free_text = answering::FreeTextPlan{2, 24, 5, 7, "", "none"};
  runner::BenchInputs inputs = mini_inputs();
  inputs.dataset.cases.clear();
  for (const std::int64_t id : {1, 2, 4}) {
    CounterFactRecord record = counterfact_record();
    record.case_id = id;
    record.generation = {"Avia lies", "The people of Avia"};
    inputs.dataset.cases.push_back(case_of(record));
  }
  const std::string all = runner::run_bench(config, inputs, whole, {});
  const runner::RunData data = runner::load_run(whole, all);
  for (const char* system : {"in-context", "unedited", "oracle"}) {
    const auto& outputs = data.outputs.at(system);
    CHECK_FALSE(outputs.at(1).texts.ngram_entropy.has_value());  // "every" does not divide its id
    CHECK(
        outputs_of(outputs.at(2), data.cases[1], PromptKind::generation, OutputKind::text).size() ==
        2);
    CHECK(outputs.at(4).texts.ngram_entropy.value() > 0.0);
    CHECK_FALSE(outputs.at(4).texts.reference_score.has_value());
  }
  CHECK(data.header["protocol"]["generation"]["seed"] == 7);
  CHECK(data.header["protocol"]["generation"]["sentences"] == "plain");
  CHECK_THROWS_AS(runner::run_bench(config, inputs, cut, stopping_after(4)), Interrupted);
  CHECK(scores_of(cut, runner::run_bench(config, inputs, cut, {})) == scores_of(whole, all));
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(whole, all), {100, 0, 4}));
  const auto has = [&](const char* metric) {
    return std::count(reports[0].metrics.begin(), reports[0].metrics.end(), metric) == 1;
  };
  CHECK(has("counterfact_ge"));
  CHECK(has("counterfact_rewrite_acc"));
  CHECK_FALSE(has("counterfact_rs"));
  CHECK_FALSE(has("counterfact_essence"));
  CHECK(reports[0]
            .find({"unedited", MatchRule::exact, GoldSide::post, "counterfact_ge", "", ""})
            ->score.n == 2.0);
  const auto lines = std::filesystem::temp_directory_path() / "kedit-run-texts.jsonl";
  std::ofstream(lines) << report::to_text_lines(reports);
  const std::vector<TextRecord> records = read_text_records(lines);
  std::filesystem::remove(lines);
  REQUIRE(records.size() == 6);  // three systems, two records
  const auto second = std::find_if(records.begin(), records.end(), [](const TextRecord& one) {
    return contains(one.id.get<std::string>(), "/in-context/2");
  });
  REQUIRE(second != records.end());
  CHECK(second->subject == "Avia");
  CHECK(metrics::mean_fluency(second->texts, {}) ==
        data.outputs.at("in-context").at(2).texts.ngram_entropy.value());
  const std::string page = report::to_html(reports);
  CHECK(contains(page, "sampled text"));
  CHECK(contains(page, "split plainly"));
  CHECK(contains(report::to_markdown(reports), "top-k 5, 24 tokens with the prompt, seed 7"));
}

TEST_CASE("run_bench: a file without generation prompts has no fluency, and a warning says so") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.dataset = "counterfact:mini.json";
  config.asks = {Ask::cloze};
  config.controls = {"unedited"};
  config.editors = {};
  config.free_text = answering::FreeTextPlan{1, 24, 5, 0, "", "none"};
  runner::BenchInputs inputs = mini_inputs();
  inputs.dataset.cases = {case_of(counterfact_record())};
  std::string warned;
  RunContext run;
  run.warn = [&](const std::string& text) { warned = text; };
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, inputs, store, run));
  CHECK(contains(warned, "no record chosen has generation prompts"));
  CHECK_FALSE(data.outputs.at("unedited").at(4).texts.ngram_entropy.has_value());
}

TEST_CASE("run_bench: an interrupted immediate schedule resumes with the edits made so far") {
  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  runner::BenchConfig config = mini_config();
  config.controls = {};
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.schedules = {runner::Schedule::immediate};
  const std::string all = runner::run_bench(config, mini_inputs(), whole, {});
  const int stop = GENERATE(2, 3);
  CHECK_THROWS_AS(runner::run_bench(config, mini_inputs(), cut, stopping_after(stop)), Interrupted);
  const std::string id = runner::run_bench(config, mini_inputs(), cut, {});
  CHECK(scores_of(cut, id) == scores_of(whole, all));
  CHECK(runner::load_run(cut, id).outputs.at("in-context").at(3).edit_ids.size() == 3);
}

TEST_CASE("Memory mask: facts that contradict a case are hidden and its own edits are not") {
  const Case one = two_hop_case(1), other = capital_case(3);
  const std::vector<Fact> pool = answering::facts_of(protocol::pool_of({&one, &other}));
  REQUIRE(pool.size() == 2);
  const auto kept = answering::without_contradictions(pool, one);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].subject == "Person 1");
  CHECK(answering::without_contradictions(pool, other).size() == 2);

  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.editors = {};
  config.controls = {"copy-last-edit"};
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.mask = runner::MaskMode::memory;
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  CHECK(direct_at(data.outputs.at("copy-last-edit").at(1), two_hop_case(1), 0).answer == "Belmar");
}

TEST_CASE("run_bench: under P-rem other cases stay unedited with their old gold answers") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.grouping = {protocol::Grouping::rem, 1, 100};
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  REQUIRE(data.cases.size() == 3);
  std::size_t unedited = 0;
  for (const Case& one : data.cases) {
    if (!one.edits.empty()) continue;
    ++unedited;
    const Prompt& question = *one.find(PromptKind::question, 0);
    CHECK(question.gold.answer == question.old.answer);
  }
  CHECK(unedited == 2);
  for (const auto& [id, outputs] : data.outputs.at("in-context"))
    CHECK(outputs.edit_ids.size() == 1);
}

TEST_CASE("run_bench: probes and recall and specificity and tokens are asked if configured") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.further = {true, true, true, true};
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  const CaseOutputs& edited = data.outputs.at("in-context").at(3);
  const Case one = capital_case(3);
  const auto count = [&](const CaseOutputs& from, PromptKind prompt, OutputKind kind) {
    return outputs_of(from, one, prompt, kind).size();
  };
  CHECK(count(edited, PromptKind::hop_cloze, OutputKind::probe) == 2);
  CHECK(count(edited, PromptKind::question, OutputKind::forced) == 3);
  CHECK(output_at(edited, one, PromptKind::question, OutputKind::forced, 0).forced.tokens > 0);
  CHECK(count(edited, PromptKind::old_hop_question, OutputKind::recall) == 0);
  const CaseOutputs& before = data.outputs.at("unedited").at(3);
  CHECK(count(before, PromptKind::old_hop_question, OutputKind::recall) == 2);
  CHECK(count(before, PromptKind::hop_question, OutputKind::recall) == 1);  // the other is edited
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, id_of(store)), {100, 0, 4}));
  CHECK(reports[0].recall_asked == 3);
  CHECK(std::count(reports[0].metrics.begin(), reports[0].metrics.end(), "hop_probe") == 1);
}

TEST_CASE("merge_runs: joined shards have the scores of a single process") {
  const ScratchStore whole_file, first_file, second_file, joined_file;
  Store whole = whole_file.open();
  const std::string all = runner::run_bench(mini_config(), mini_inputs(), whole, {});
  {
    Store first = first_file.open(), second = second_file.open();
    runner::run_bench(mini_config(), mini_inputs(), first, {}, {0, 2});
    runner::run_bench(mini_config(), mini_inputs(), second, {}, {1, 2});
    CHECK(first.runs()[0].done + second.runs()[0].done == whole.runs()[0].done);
  }
  Store joined = joined_file.open();
  runner::BenchConfig other = mini_config();  // another run is there already, so that ids differ
  other.name = "other";
  runner::run_bench(other, mini_inputs(), joined, {});
  const std::string id = runner::merge_runs({second_file.path(), first_file.path()}, joined);
  CHECK(joined.run(id)->state == "done");
  CHECK(scores_of(joined, id) == scores_of(whole, all));
  CHECK(joined.verify().empty());
  const runner::RunData data = runner::load_run(joined, id);
  for (const std::string& edit : data.outputs.at("in-context").at(1).edit_ids) {
    CHECK(joined.find(edit).has_value());
  }
  CHECK_FALSE(data.header.contains("shard"));
}

TEST_CASE("run_bench: cases of one group share their edits") {
  const ScratchStore file;
  Store store = file.open();
  runner::BenchConfig config = mini_config();
  config.grouping = {protocol::Grouping::file, 0, 0};
  const runner::RunData data =
      runner::load_run(store, runner::run_bench(config, mini_inputs(), store, {}));
  CHECK(data.outputs.at("in-context").at(1).edit_ids.size() == 3);
  CHECK(data.header["protocol"]["contaminated"].size() == 2);
}

TEST_CASE(
    "run_bench: CounterFact and zsRE records run and an interrupted run ends with equal scores") {
  const CounterFactRecord fact = counterfact_record();
  CounterFactRecord other = fact;
  other.case_id = 8;
  other.request.target_new = "Fenwick";
  ZsreRecord question;
  question.number = 3;
  question.request = fact.request;
  question.request.prompt = "What is the capital of {}?";
  question.request.target_true.reset();
  question.request.rephrases = {"Which city is Avia's capital?"};
  question.locality = {"nq question: who was first", "Person 1"};
  const bool zsre = GENERATE(false, true);
  runner::BenchInputs inputs = mini_inputs();
  inputs.dataset.cases = zsre ? std::vector<Case>{case_of(question)}
                              : std::vector<Case>{case_of(fact), case_of(other)};
  runner::BenchConfig config = mini_config();
  config.asks = {Ask::cloze};
  config.dataset = zsre ? "zsre:mini.json" : "counterfact:mini.json";
  config.grouping = {protocol::Grouping::file, 0, 0};

  const ScratchStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  const std::string all = runner::run_bench(config, inputs, whole, {});
  CHECK_THROWS_AS(runner::run_bench(config, inputs, cut, stopping_after(3)), Interrupted);
  CHECK(scores_of(cut, runner::run_bench(config, inputs, cut, {})) == scores_of(whole, all));

  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(whole, all), {100, 0, 4}));
  const std::string metric = zsre ? "zsre_specificity" : "counterfact_ns";
  const auto cell = [&](const std::string& system, const std::string& name) {
    return reports[0].find({system, MatchRule::exact, GoldSide::post, name, "", ""});
  };
  REQUIRE(cell("in-context", metric) != nullptr);
  CHECK(cell("unedited", zsre ? "zsre_score" : "counterfact_s") != nullptr);
  CHECK(cell("copy-last-edit", metric) == nullptr);  // it has no probabilities
  CHECK(cell("in-context", "multi_hop_any") == nullptr);
  // Two objects for one prompt: each contradicts the other.
  CHECK(reports[0].contaminated.size() == (zsre ? 0 : 2));
  const std::string page = report::to_html(reports);
  CHECK(contains(page, zsre ? "nq question: who was first" : "The capital of Belmar is"));
  CHECK(contains(report::to_markdown(reports), zsre ? "zsRE score" : "| NS |"));
}

TEST_CASE("run_bench: a run on an edited model removes only its own edits") {
  const runner::BenchInputs plain = mini_inputs(), edited = edited_inputs();
  runner::BenchConfig config = mini_config();
  config.grouping = {protocol::Grouping::file, 1, 0};

  const ScratchStore file, other_file;
  Store store = file.open(), other = other_file.open();
  const runner::RunData with =
      runner::load_run(store, runner::run_bench(config, edited, store, {}));
  const runner::RunData without =
      runner::load_run(other, runner::run_bench(config, plain, other, {}));
  CHECK(with.header["model"]["mounted"] == Json::array({"told"}));
  CHECK_FALSE(without.header["model"].contains("mounted"));
  // The fact is shown wherever a model answers; without it probabilities are others.
  const auto said = [](const runner::RunData& run, const char* system, std::int64_t id) {
    const Case one = id == 3 ? capital_case(3) : two_hop_case(id);
    return output_at(run.outputs.at(system).at(id), one, PromptKind::edit, OutputKind::forced, 0)
        .forced.logprob;
  };
  for (const std::int64_t id : {1, 2, 3}) {
    CAPTURE(id);
    CHECK(said(with, "unedited", id) != said(without, "unedited", id));
    CHECK(said(with, "oracle", id) != said(without, "oracle", id));
    // After each group only the run's own edits go.
    CHECK(said(with, "in-context", id) == said(with, "oracle", id));
  }
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, with.record.id), {100, 0, 4}));
  CHECK(contains(report::to_html(reports), "that stay mounted throughout"));
}

TEST_CASE("where one edit of a case fails, the others are made on top of all earlier edits") {
  // The tiny model has one layer: a change there reaches the answer only if the subject ends the
  // prompt, so that ROME refuses the first edit of the second case and no other.
  runner::BenchInputs inputs = mini_inputs();
  MquakeCase first = two_hop_record(1), second = two_hop_record(2);
  first.rewrites[0].prompt = "They speak of {}";
  second.rewrites.insert(second.rewrites.end(), 2, second.rewrites[0]);
  second.rewrites[1].prompt = "They think of {}";
  second.rewrites[2].prompt = "They sing of {}";
  second.edit_triples.insert(second.edit_triples.end(), 2, second.edit_triples[0]);
  inputs.dataset.cases = cases_of(std::vector<MquakeCase>{first, second});
  runner::BenchConfig config = mini_config();
  config.controls = {};
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.schedules = {runner::Schedule::immediate};
  config.editors = {{"rome",
                     "rome",
                     {{"layers", {0}},
                      {"mom2_adjustment", false},
                      {"v_num_grad_steps", 6},
                      {"max_update_ratio", 1e6},
                      {"context_templates", {"{}", "It is so. {}"}}}}};

  const ScratchStore file;
  Store store = file.open();
  const runner::RunData run = runner::load_run(store, runner::run_bench(config, inputs, store, {}));
  const CaseOutputs& said = run.outputs.at("rome").at(2);
  CHECK(contains(said.failure, "choose a lower layer"));
  REQUIRE(said.edit_ids.size() == 3);
  const auto rome = make_editor("rome", {config.editors[0].settings, {}, false});
  EditedModel model(inputs.model);
  model.mount(said.edit_ids[0], store.find(said.edit_ids[0]).value());
  for (const std::size_t i : {1U, 2U}) {
    CAPTURE(i);
    const EditDelta expected = rome->edit(model, {inputs.dataset.cases[1].edits[i]}, {}).front();
    const EditDelta stored = store.find(said.edit_ids[i]).value();
    CHECK(at::equal(std::get<LowRank>(stored.updates.at(0).update).left,
                    std::get<LowRank>(expected.updates.at(0).update).left));
    model.mount(said.edit_ids[i], stored);
  }
}

TEST_CASE("run_bench: resuming without the edits mounted at the start is refused") {
  const runner::BenchInputs edited = edited_inputs();
  const ScratchStore file;
  Store store = file.open();
  CHECK_THROWS_AS(runner::run_bench(mini_config(), edited, store, stopping_after(3)), Interrupted);
  CHECK(contains(message_of([&] { runner::run_bench(mini_config(), mini_inputs(), store, {}); }),
                 "its model is not what this run would have"));
}
