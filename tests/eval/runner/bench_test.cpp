#include "editors/editor.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/report/report.hpp"
#include "eval/runner/case_json.hpp"
#include "eval/runner/run.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

class TemporaryStore {
 public:
  TemporaryStore()
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("kedit-bench-{}-{}.db", reinterpret_cast<std::uintptr_t>(this), ++made)) {
    remove();
  }
  ~TemporaryStore() { remove(); }
  Store open() const { return Store::open(path_, OpenMode::create); }

 private:
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_.string() + ending);
    }
  }
  static inline int made = 0;
  std::filesystem::path path_;
};

/// Answers along the chain and remembers what was asked of it.
class FakeSystem : public runner::System {
 public:
  FakeSystem(std::string label, std::vector<std::string>& log)
      : label_(std::move(label)), log_(log) {}
  runner::SystemInfo info() const override {
    return {label_, "editor", "fake", "A fake.", "none", "{}"};
  }
  void enter(const runner::CaseGroup& group, const CaseOutputs* earlier,
             const RunContext&) override {
    if (interrupted_in_enter) throw Interrupted("in the middle of an edit");
    edits_ = earlier != nullptr ? earlier->edit_ids
                                : std::vector<std::string>{fmt::format("made-{}", group.number)};
    log_.push_back(fmt::format("{} enter {}{}", label_, group.number, earlier ? " again" : ""));
  }
  CaseOutputs answer(const Case& one) override {
    if (answers_left == 0) throw std::runtime_error("killed");
    --answers_left;
    log_.push_back(fmt::format("{} case {}", label_, one.id));
    CaseOutputs outputs = oracle_outputs(one);
    if (one.id % 2 == 0) {
      output_at(outputs, one, PromptKind::question, OutputKind::answer, 0).said = said("wrong");
    }
    outputs.edit_ids = edits_;
    return outputs;
  }
  void leave() override { log_.push_back(label_ + " leave"); }

  int answers_left = 1000;
  bool interrupted_in_enter = false;

 private:
  std::string label_;
  std::vector<std::string>& log_;
  std::vector<std::string> edits_;
};

struct Fixture {
  Dataset dataset;
  std::vector<std::string> log;

  Fixture() {
    for (std::int64_t id = 1; id <= 5; ++id) dataset.cases.push_back(two_hop_case(id));
  }
  runner::BenchLoop loop(Store& store, const std::string& run_id, int answers_before_kill = 1000) {
    runner::BenchConfig config;
    config.grouping = {protocol::Grouping::file, 2, 0};
    runner::BenchLoop loop;
    loop.groups = runner::bench_groups(config, dataset);
    loop.run_id = run_id.empty() ? begin(store, loop) : run_id;
    for (const char* label : {"a", "b"}) {
      auto system = std::make_unique<FakeSystem>(label, log);
      system->answers_left = answers_before_kill;
      loop.systems.push_back(std::move(system));
    }
    return loop;
  }
  std::string begin(Store& store, const runner::BenchLoop& loop) {
    Json cases = Json::array();
    for (const runner::CaseGroup& group : loop.groups) {
      for (const Case* one : group.cases) cases.push_back(runner::case_to_json(*one));
    }
    const Json config{{"match", {"M0", "M2"}}, {"metrics", Json::array()}};
    Json header{{"protocol", {{"contaminated", Json::array({2})}}}};
    header["systems"] = {
        to_json(runner::SystemInfo{"a", "editor", "fake", "A fake.", "none", "{}"}),
        to_json(runner::SystemInfo{"b", "control", "fake", "A fake.", "", ""})};
    const std::string id = store.begin_run("test", canonical_text(config), to_text(header), 10);
    store.put_results(id, {{runner::kCasesRow, 0, to_text(cases)}});
    return id;
  }
};

// Everything but times.
std::string scores_of(const Store& store, const std::string& run) {
  std::vector<report::BenchReport> reports;
  report::ReportOptions options;
  options.draws = 50;
  reports.push_back(report::make_report(runner::load_run(store, run), options));
  return to_text(to_json(reports)["runs"][0]["scores"]);
}

}  // namespace

TEST_CASE("run_loop: every method under test is asked about every case") {
  Fixture fixture;
  TemporaryStore file;
  Store store = file.open();
  runner::BenchLoop loop = fixture.loop(store, "");
  runner::run_loop(loop, store, {});
  CHECK(store.run(loop.run_id)->state == "done");
  CHECK(store.run(loop.run_id)->done == 10);
  CHECK(std::count(fixture.log.begin(), fixture.log.end(), "a leave") == 3);
  CHECK(fixture.log[0] == "a enter 0");
  CHECK(fixture.log[1] == "a case 1");
  CHECK(fixture.log[3] == "a leave");
}

TEST_CASE("run_loop: a killed run resumes at the next case with equal scores") {
  TemporaryStore whole_file, cut_file;
  Store whole = whole_file.open(), cut = cut_file.open();
  Fixture uninterrupted, interrupted;
  runner::BenchLoop all = uninterrupted.loop(whole, "");
  runner::run_loop(all, whole, {});

  const int killed_after = GENERATE(0, 1, 2, 3, 4);
  runner::BenchLoop first = interrupted.loop(cut, "", killed_after);
  const std::string run = first.run_id;
  CHECK_THROWS(runner::run_loop(first, cut, {}));
  CHECK(cut.run(run)->state != "done");
  CHECK(cut.run(run)->done == killed_after);
  CHECK(interrupted.log.back() == "a leave");

  interrupted.log.clear();
  runner::BenchLoop second = interrupted.loop(cut, run);
  runner::run_loop(second, cut, {});
  CHECK(cut.run(run)->state == "done");
  CHECK(scores_of(cut, run) == scores_of(whole, all.run_id));
  const auto asked = [&](const std::string& line) {
    return std::count(interrupted.log.begin(), interrupted.log.end(), line);
  };
  for (int id = 1; id <= 5; ++id) {
    CHECK(asked(fmt::format("a case {}", id)) == (id <= killed_after ? 0 : 1));
  }
  // A group that was begun is entered with the edits that it had.
  if (killed_after % 2 == 1) CHECK(asked(fmt::format("a enter {} again", killed_after / 2)) == 1);
}

TEST_CASE("run_loop: a stop request saves the state as interrupted") {
  Fixture fixture;
  TemporaryStore file;
  Store store = file.open();
  runner::BenchLoop loop = fixture.loop(store, "");
  RunContext run;
  int asked = 0;
  run.stop_requested = [&] { return ++asked > 4; };
  CHECK_THROWS_AS(runner::run_loop(loop, store, run), Interrupted);
  CHECK(store.run(loop.run_id)->state == "interrupted");
  CHECK(store.run(loop.run_id)->done > 0);
  CHECK(fixture.log.back() == "a leave");
}

TEST_CASE("run_loop: an editor interrupted during an edit leaves the run resumable") {
  Fixture fixture;
  TemporaryStore file;
  Store store = file.open();
  runner::BenchLoop loop = fixture.loop(store, "");
  dynamic_cast<FakeSystem&>(*loop.systems[1]).interrupted_in_enter = true;
  CHECK(contains(message_of([&] { runner::run_loop(loop, store, {}); }), "kedit bench resume"));
  CHECK(store.run(loop.run_id)->state == "interrupted");
  CHECK(store.run(loop.run_id)->done == 5);
}

TEST_CASE("run_loop: progress counts cases over all methods and continues after a resume") {
  Fixture fixture;
  TemporaryStore file;
  Store store = file.open();
  runner::BenchLoop first = fixture.loop(store, "", 3);
  CHECK_THROWS(runner::run_loop(first, store, {}));
  std::vector<std::int64_t> done;
  RunContext run;
  run.progress = [&](const Progress& progress) {
    done.push_back(progress.done);
    CHECK(progress.total == 10);
  };
  runner::BenchLoop second = fixture.loop(store, first.run_id);
  runner::run_loop(second, store, run);
  CHECK(done.front() == 4);
  CHECK(done.back() == 10);
}

TEST_CASE("bench_groups: dropped contaminated cases keep their edits in the pool") {
  Dataset dataset;
  dataset.cases = {two_hop_case(1), capital_case(2)};
  runner::BenchConfig config;
  config.grouping = {protocol::Grouping::file, 0, 0};
  config.mask = runner::MaskMode::drop;
  const auto groups = runner::bench_groups(config, dataset);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].cases.size() == 1);
  CHECK(groups[0].cases[0]->id == 2);
  CHECK(groups[0].pool.size() == 2);
}

TEST_CASE("make_control: unedited and oracle and copy-last-edit answer as defined") {
  const Case one = two_hop_case(1);
  FakeModel model([](const std::string& prompt) {
    return std::string(contains(prompt, "Facts: Person 1 is a citizen of Belmar.") ? " told"
                                                                                   : " own");
  });
  runner::SystemParts parts;
  parts.base = &model;
  parts.prompts = lab_prompts();
  runner::CaseGroup group;
  group.cases = {&one};
  group.pool = protocol::pool_of(group.cases);
  const auto first_answer = [&](const std::string& name) {
    const auto control = runner::make_control(name, parts);
    control->enter(group, nullptr, {});
    return direct_at(control->answer(one), one, 0).answer.value_or("");
  };
  CHECK(first_answer("unedited") == "own");
  CHECK(first_answer("oracle") == "told");
  CHECK(first_answer("copy-last-edit") == "Belmar");
  CHECK_THROWS_AS(runner::make_control("orakel", parts), EvalError);
}

TEST_CASE("BenchConfig: a configuration is read with defaults and written back equal") {
  const std::string text =
      R"({"name": "x", "dataset": "mquake:/data/f.json", "editors": [{"name": "in-context"}],
          "controls": ["unedited"], "protocol": {"group_size": "all", "grouping": "file"},
          "answerers": ["cloze", "cot", "recall", "tokens"], "match": ["M0", "M1"], "seed": 3})";
  const runner::BenchConfig config =
      runner::bench_config_from_json(parse_json(text, "c.json"), "c.json");
  CHECK(config.grouping.group_size == 0);
  CHECK((config.asks == std::set<Ask>{Ask::cloze, Ask::cot}));
  CHECK(config.editors.front().label == "in-context");
  CHECK((config.schedules == std::vector<runner::Schedule>{runner::Schedule::batch}));
  CHECK(
      runner::bench_config_from_json(parse_json(R"({"dataset": "mquake:f", "controls": ["unedited"],
                           "protocol": {"grouping": "poke"}, "answerers": ["cloze", "probe"]})",
                                                "c.json"),
                                     "c.json")
          .grouping.seed == 42);
  const runner::BenchConfig records = runner::bench_config_from_json(
      parse_json(R"({"dataset": "counterfact:/f.json", "controls": ["unedited"]})", "c.json"),
      "c.json");
  CHECK((records.asks == std::set<Ask>{Ask::cloze}));
  CHECK(records.dataset == "counterfact:/f.json");
  const Json written = to_json(config);
  CHECK(to_text(to_json(runner::bench_config_from_json(written, "c.json"))) == to_text(written));
}

TEST_CASE("BenchConfig: schedules and sampled texts are read and written back equal") {
  const std::string text =
      R"({"name": "x", "dataset": "counterfact:/data/f.json", "editors": [{"name": "rome"}],
          "protocol": {"schedule": ["end", "immediate"]},
          "generation": {"every": 5, "seed": 2, "snippets": "/data/s.json", "punkt": "none"}})";
  const runner::BenchConfig config =
      runner::bench_config_from_json(parse_json(text, "c.json"), "c.json");
  CHECK((config.schedules ==
         std::vector<runner::Schedule>{runner::Schedule::immediate, runner::Schedule::end}));
  CHECK(config.free_text == answering::FreeTextPlan{5, 100, 5, 2, "/data/s.json", "none"});
  const auto systems = runner::scheduled_editors(config);
  REQUIRE(systems.size() == 2);
  CHECK(systems[0].choice.label == "rome, immediate");
  CHECK(systems[0].edits_of.empty());
  CHECK(systems[1].choice.label == "rome, end");
  CHECK(systems[1].edits_of == "rome, immediate");
  const Json written = to_json(config);
  CHECK(written["protocol"]["schedule"] == Json({"immediate", "end"}));
  CHECK(to_text(to_json(runner::bench_config_from_json(written, "c.json"))) == to_text(written));
}

TEST_CASE("BenchConfig: mistakes are refused with file and field") {
  struct Row {
    std::string text, message;
  };
  const auto row = GENERATE(values<Row>({
      {R"({"controls": ["unedited"]})", "dataset"},
      {R"({"dataset": "mquake:f"})", "at least one of editors and controls"},
      {R"({"dataset": "zre:f", "controls": ["unedited"]})",
       "mquake:FILE, counterfact:FILE or zsre:FILE"},
      {R"({"dataset": "zsre:f", "controls": ["unedited"], "answerers": ["cloze", "direct"]})",
       "cloze alone"},
      {R"({"dataset": "counterfact:f", "controls": ["unedited"], "answerers": ["cloze", "recall"]})",
       "cloze alone"},
      {R"({"dataset": "zsre:f", "controls": ["unedited"], "protocol": {"grouping": "rem"}})",
       "/protocol/grouping"},
      {R"({"dataset": "mquake:f", "control": ["unedited"]})", "did you mean \"controls\""},
      {R"({"dataset": "mquake:f", "controls": ["unedite"]})", "did you mean \"unedited\""},
      {R"({"dataset": "mquake:f", "editors": [{"name": "romee"}]})", "did you mean \"rome\""},
      {R"({"dataset": "mquake:f", "editors": [{"name": "rome", "setings": {}}]})",
       "did you mean \"settings\""},
      {R"({"dataset": "mquake:f", "editors": [{"name": "rome"}, {"name": "rome"}]})",
       "\"rome\" stands twice"},
      {R"({"dataset": "mquake:f", "editors": [{"name": "rome", "label": "@x"}]})", "label"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "protocol": {"group_size": 0}})",
       "/protocol/group_size"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "protocol": {"grouping": "pokes"}})",
       "/protocol/grouping"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "protocol": {"schedule": "late"}})",
       "expected batch, end or immediate"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "protocol": {"schedule": []}})",
       "each schedule once"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "protocol": {"schedule": ["end", "end"]}})",
       "each schedule once"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "generation": {}})",
       "another format than counterfact"},
      {R"({"dataset": "counterfact:f", "controls": ["unedited"], "generation": {"evry": 2}})",
       "did you mean \"every\""},
      {R"({"dataset": "counterfact:f", "controls": ["unedited"], "generation": {"every": 0}})",
       "/generation/every"},
      {R"({"dataset": "counterfact:f", "controls": ["unedited"], "generation": {"seed": -1}})",
       "/generation/seed"},
      {R"({"dataset": "counterfact:f", "controls": ["unedited"], "generation": {"snippets": 1}})",
       "/generation/snippets"},
      {R"({"dataset": "mquake:f", "protocol": {"schedule": ["end", "immediate"]},
           "editors": [{"name": "rome"}, {"name": "rome", "label": "rome, end"}, {"name": "rome", "label": "rome, end"}]})",
       "stands twice"},
      {R"({"dataset": "mquake:f", "editors": [{"name": "rome"}], "protocol": {"mask": "memory"}})",
       "changes weights that no mask takes back"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "match": ["M9"]})", "M9"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "answerers": []})", "/answerers"},
      {R"({"dataset": "mquake:f", "controls": ["unedited"], "metrics": ["cot_ani"]})", "cot_any"},
  }));
  CAPTURE(row.text);
  const std::string message =
      message_of([&] { runner::bench_config_from_json(parse_json(row.text, "c.json"), "c.json"); });
  CAPTURE(message);
  CHECK(contains(message, "c.json"));
  CHECK(contains(message, row.message));
}

TEST_CASE("the configurations in docs/runs are read, but for editors that are not there") {
  const std::vector<std::string> may_be_absent = {"r-rome", "memit", "alphaedit", "ft"};
  std::size_t read = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(KEDIT_SOURCE_DIR) / "docs/runs")) {
    CAPTURE(entry.path());
    Json config = read_json(entry.path());
    Json present = Json::array();
    for (const Json& editor : config["editors"]) {
      const std::string name = editor["name"];
      const bool optional = std::count(may_be_absent.begin(), may_be_absent.end(), name) == 1;
      if (!optional || find_editor(name) != nullptr) present.push_back(editor);
    }
    config["editors"] = present;
    const runner::BenchConfig made =
        runner::bench_config_from_json(config, entry.path().string(), entry.path().parent_path());
    CHECK(made.editors.size() == present.size());
    ++read;
  }
  CHECK(read >= 6);
}
