// kedit demo: the main job on the lab model.
#include "apps/demo.hpp"

#include "apps/commands.hpp"
#include "apps/thread_choice.hpp"
#include "datasets/mquake.hpp"
#include "datasets/requests.hpp"
#include "editors/editor.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/report/report.hpp"
#include "eval/runner/model_record.hpp"
#include "eval/runner/run.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultStore = "kedit-demo.db";
constexpr std::size_t kRomeEdits = 3;
constexpr std::size_t kInContextEdits = 2;

/// One edited fact on its way through the demo.
struct DemoEdit {
  std::string editor;
  EditRequest request;
  std::string id;
  std::string before, after, undone;
  double seconds = 0.0;
};

fs::path lab_file(const Model& model, const char* name) {
  const fs::path beside = fs::absolute(model.path()).parent_path() / name;
  std::error_code ignored;
  if (fs::exists(beside, ignored)) return beside;
  const auto lab = lab_directory();
  if (lab && fs::exists(*lab / name, ignored)) return *lab / name;
  throw InputError(
      fmt::format("starting the demo: {}: expected it beside the lab model, found none; the demo "
                  "needs the lab, "
                  "see kedit train lab --help",
                  beside.string()));
}

// Facts that the in-context editor keeps are shown where their subject is named.
std::string complete(const EditedModel& model, const EditRequest& request) {
  const PromptForm form = lab_prompts();
  const std::string text = filled_prompt(request);
  std::vector<Fact> facts = model.facts();
  facts.erase(std::remove_if(
                  facts.begin(), facts.end(),
                  [&](const Fact& fact) { return text.find(fact.subject) == std::string::npos; }),
              facts.end());
  const Question question{Ask::cloze, text, request.relation,
                          answering::choose_facts(facts, text, form.max_facts)};
  const LocalLanguageModel language(model);
  const auto said =
      language.generate({write_prompt(form, question)}, generation_options(form, Ask::cloze));
  return take_answer(Ask::cloze, said.at(0).text, {}).answer.value_or("(nothing)");
}

// Facts that the model knows, about different subjects and relations, so that the change is seen.
std::vector<EditRequest> known_facts(const EditedModel& model,
                                     const std::vector<EditRequest>& requests, std::size_t count) {
  std::vector<EditRequest> chosen;
  std::set<std::string> seen;
  for (const EditRequest& request : requests) {
    if (chosen.size() == count) break;
    if (seen.count(request.relation) > 0 || seen.count(request.subject) > 0) continue;
    if (complete(model, request) != request.target_true.value_or("")) continue;
    seen.insert({request.relation, request.subject});
    chosen.push_back(request);
  }
  return chosen;
}

std::vector<DemoEdit> make_edits(Context& context, EditedModel& model, Store& store,
                                 const std::vector<EditRequest>& facts) {
  const RunContext run = context.run();
  std::vector<DemoEdit> edits;
  for (const EditRequest& request : facts) {
    DemoEdit edit{edits.size() < kRomeEdits ? "rome" : "in-context", request, "", "", "", "", 0.0};
    edit.before = complete(model, request);
    const Stopwatch watch;
    const auto deltas = make_editor(edit.editor)->edit(model, {request}, run);
    edit.seconds = watch.seconds();
    edit.id = store.commit(deltas.at(0), {.note = "demo"});
    model.mount(edit.id, deltas.at(0));
    edits.push_back(std::move(edit));
  }
  for (DemoEdit& edit : edits) edit.after = complete(model, edit.request);
  return edits;
}

/// What undoing proved.
struct Undo {
  std::string id;
  bool others_exact = false;  ///< Without it, the weights are those of the other edits alone.
  bool base_again = false;    ///< Without any, the base model's own, to the bit.
};

Undo undo_edits(EditedModel& model, Store& store, std::vector<DemoEdit>& edits) {
  Undo undo;
  undo.id = edits.front().id;
  store.revert(undo.id);
  model.unmount(undo.id);
  for (DemoEdit& edit : edits) edit.undone = complete(model, edit.request);
  EditedModel others(model.base_ptr());
  std::vector<std::pair<EditId, EditDelta>> left;
  for (const std::string& id : store.live("main", model.base().fingerprint())) {
    if (auto delta = store.find(id)) left.emplace_back(id, *std::move(delta));
  }
  others.mount(std::move(left));
  undo.others_exact = others.fingerprint() == model.fingerprint();
  model.unmount_all();
  undo.base_again = model.fingerprint() == model.base().fingerprint();
  if (!undo.others_exact || !undo.base_again) {
    throw Failure(
        "undoing the demo's edits: expected the base weights again, found others; this is "
        "a fault of the program, please report it");
  }
  return undo;
}

std::string edits_table(const std::vector<DemoEdit>& edits, const Style& style) {
  Table table({{"editor"},
               {"prompt"},
               {"wanted"},
               {"before"},
               {"after all edits"},
               {"first one undone"},
               {"s", Table::Align::right}});
  for (const DemoEdit& edit : edits) {
    const bool took = edit.after == edit.request.target_new;
    table.row({edit.editor, filled_prompt(edit.request) + " ...", edit.request.target_new,
               edit.before, style.paint(took ? Tone::good : Tone::bad, edit.after), edit.undone,
               fmt::format("{:.2f}", edit.seconds)});
  }
  return table.text(style);
}

Json edits_json(const std::vector<DemoEdit>& edits) {
  Json list = Json::array();
  for (const DemoEdit& edit : edits) {
    list.push_back({{"id", edit.id},
                    {"editor", edit.editor},
                    {"prompt", filled_prompt(edit.request)},
                    {"target_new", edit.request.target_new},
                    {"before", edit.before},
                    {"after", edit.after},
                    {"first_undone", edit.undone},
                    {"seconds", edit.seconds}});
  }
  return list;
}

// As many cases of every length, in file order.
std::string balanced_cases(const Dataset& dataset, std::int64_t count) {
  std::map<std::int64_t, std::vector<std::int64_t>> by_hops;
  for (const Case& one : dataset.cases) by_hops[one.hop_count()].push_back(one.id);
  std::set<std::int64_t> chosen;
  const auto wanted = std::min(static_cast<std::size_t>(count), dataset.cases.size());
  for (std::size_t turn = 0; chosen.size() < wanted; ++turn) {
    for (const auto& [hops, ids] : by_hops) {
      if (turn < ids.size() && chosen.size() < wanted) chosen.insert(ids[turn]);
    }
  }
  return fmt::format("{}", fmt::join(chosen, ","));
}

report::BenchReport run_demo_bench(Context& context, const std::shared_ptr<const Model>& model,
                                   Store& store) {
  runner::BenchInputs inputs{model, cases_of(read_mquake(lab_file(*model, "mquake.json")))};
  runner::BenchConfig config;
  config.name = "demo";
  config.model = model->path().string();
  config.dataset = "mquake:" + lab_file(*model, "mquake.json").string();
  config.cases = balanced_cases(inputs.dataset, context.options.integer("cases"));
  config.editors = {{"rome", "rome", Json::object()}, {"in-context", "in-context", Json::object()}};
  config.controls = {"unedited", "oracle", "copy-last-edit"};
  const std::string id = runner::run_bench(config, inputs, store, context.run());
  context.finish_progress();
  return report::make_report(runner::load_run(store, id));
}

std::string bench_table(const report::BenchReport& report, const Style& style) {
  std::vector<Table::Column> columns = {
      {"per cent, rule " + std::string(to_string(report.rules.front()))}};
  for (const runner::SystemInfo& system : report.systems) {
    columns.push_back({system.label, Table::Align::right});
  }
  Table table(columns);
  for (const char* metric :
       {"edit_wise", "instance_wise", "multi_hop_any", "cot_any", "hop_joint"}) {
    std::vector<std::string> row = {metrics::metric_info(metric).title};
    for (const runner::SystemInfo& system : report.systems) {
      const report::ReportCell* cell =
          report.find({system.label, report.rules.front(), GoldSide::post, metric, "", ""});
      row.push_back(cell == nullptr ? "-" : fmt::format("{:.0f}", 100.0 * cell->score.value()));
    }
    table.row(std::move(row));
  }
  return table.text(style);
}

Json bench_json(const report::BenchReport& report) {
  Json systems = Json::object();
  for (const runner::SystemInfo& system : report.systems) {
    for (const std::string& metric : report.metrics) {
      const report::ReportCell* cell =
          report.find({system.label, report.rules.front(), GoldSide::post, metric, "", ""});
      if (cell != nullptr) systems[system.label][metric] = cell->score.value();
    }
  }
  return {{"run", report.data.record.id},
          {"cases", report.data.cases.size()},
          {"rule", to_string(report.rules.front())},
          {"systems", systems}};
}

// What the demo did, for its answer.
struct DemoOutcome {
  std::string fingerprint;  // of the base model
  std::vector<DemoEdit> edits;
  Undo undo;
  report::BenchReport bench;
  fs::path report, store;
  double seconds = 0.0;
};

Json demo_json(const DemoOutcome& outcome) {
  const Undo& undo = outcome.undo;
  return {{"model", outcome.fingerprint},
          {"edits", edits_json(outcome.edits)},
          {"undo",
           {{"id", undo.id}, {"others_exact", undo.others_exact}, {"base_again", undo.base_again}}},
          {"bench", bench_json(outcome.bench)},
          {"report", outcome.report.string()},
          {"store", outcome.store.string()},
          {"seconds", outcome.seconds}};
}

std::string demo_text(const DemoOutcome& outcome, const Style& style) {
  const auto title = [&](const char* words) { return style.paint(Tone::strong, words); };
  std::string text =
      fmt::format("{}\n{}\n", title("Five facts edited"), edits_table(outcome.edits, style));
  text += fmt::format(
      "Edit {} was reverted; what is left equals the other edits alone, and without any the\n"
      "weights are the base model's again, to the bit ({}).\n\n",
      outcome.undo.id, outcome.fingerprint.substr(0, 12));
  text += fmt::format("{} ({} cases, every case edited alone)\n{}\n", title("Benchmark"),
                      outcome.bench.data.cases.size(), bench_table(outcome.bench, style));
  text += fmt::format("{} {}\n{} kedit store log --store {}\nTook {}.\n", title("Report:"),
                      outcome.report.string(), title("History:"), outcome.store.string(),
                      short_duration(outcome.seconds));
  return text;
}

std::vector<EditRequest> facts_to_edit(const EditedModel& model) {
  constexpr std::size_t kFacts = kRomeEdits + kInContextEdits;
  const auto requests = read_requests(lab_file(model.base(), "requests.jsonl"));
  std::vector<EditRequest> facts = known_facts(model, requests, kFacts);
  if (facts.size() == kFacts) return facts;
  throw Failure(fmt::format(
      "choosing facts to edit: expected {} that the model knows, found {}; is this a lab model?",
      kFacts, facts.size()));
}

int run_demo(Context& context) {
  if (context.options.flag("real")) return run_real_demo(context);
  const Stopwatch watch;
  const auto base = context.load_model();
  choose_threads(context, *base);
  Store store = fresh_store(context);
  store.put_model(runner::model_record(*base));

  context.note("1/3 editing five facts of a small language model");
  EditedModel model(base);
  std::vector<DemoEdit> edits = make_edits(context, model, store, facts_to_edit(model));
  context.finish_progress();
  context.note("2/3 undoing");
  Undo undo = undo_edits(model, store, edits);
  context.note("3/3 a small benchmark: two editors and three controls");
  std::vector<report::BenchReport> reports;
  reports.push_back(run_demo_bench(context, base, store));
  const fs::path out = context.options.path("out");
  context.write_file(out, report::to_html(reports));

  const DemoOutcome outcome = {
      base->fingerprint(), std::move(edits), std::move(undo), std::move(reports.front()), out,
      store.path(),        watch.seconds()};
  return context.answer(demo_json(outcome), demo_text(outcome, context.style()));
}

}  // namespace

Store fresh_store(Context& context) {
  const fs::path file = context.options.path("store");
  if (context.options.given("store") && fs::exists(file)) {
    throw InputError(
        fmt::format("opening a fresh store: {}: expected no such file, found one; name another one",
                    file.string()));
  }
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(file.string() + ending);
  return Store::open(file, OpenMode::create);
}

std::vector<Command> demo_commands() {
  Command demo;
  demo.name = "demo";
  demo.summary = "the main job on the lab model or a real one: edit, undo, evaluate, report";
  demo.description =
      "Edits five facts of the embedded lab model with two kinds of editors, undoes one to the "
      "bit, runs a small benchmark with three controls beside the editors and writes the report. "
      "With --real, famous facts of a pretrained model (--model, else $KEDIT_MODEL, else "
      "smollm2-135m-instruct, which kedit model get fetches) are edited with both editors: what it "
      "says before and after to the edited prompt, to paraphrases, to what follows and to "
      "neighbours goes onto the page.";
  demo.takes = kModel | kSeed;
  demo.options = {
      flag("real", "edit famous facts of a pretrained model instead of the lab's"),
      text("out", "FILE", "the report").otherwise("report.html"),
      text("store", "FILE", "a store to be made; the default one is made anew each time")
          .otherwise(kDefaultStore),
      integer("cases", "N", "cases of the benchmark").otherwise("30").at_least(1).at_most(1000),
  };
  demo.example = "kedit demo --out report.html";
  demo.stops_gently = true;
  demo.run = run_demo;
  return {demo};
}

}  // namespace kedit::cli
