// kedit bench: batch benchmark runs.
#include "eval/bench.hpp"

#include "apps/commands.hpp"
#include "apps/thread_choice.hpp"
#include "eval/report.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

BenchInputs open_inputs(Context& context, const BenchConfig& config) {
  LoadOptions options;
  options.device = context.options.given("device") ? context.options.text("device") : config.device;
  options.dtype = context.options.given("dtype") ? context.options.text("dtype") : config.dtype;
  options.allow_nonfinite = context.options.flag("allow-nonfinite");
  const bool chosen = context.options.given("model") || config.model.empty();
  const std::filesystem::path directory =
      chosen ? context.model_directory() : std::filesystem::path(config.model);
  BenchInputs inputs;
  inputs.model = Model::load(directory, options);
  choose_threads(context, *inputs.model);
  inputs.dataset = read_mquake(config.dataset_file());
  return inputs;
}

// What the command line overrides becomes part of the run's configuration, so that a resumed run
// has it too.
void apply_overrides(Context& context, BenchConfig& config) {
  if (context.options.given("model") || config.model.empty()) {
    config.model = std::filesystem::absolute(context.model_directory()).lexically_normal().string();
  }
  if (context.options.given("device")) config.device = context.options.text("device");
  if (context.options.given("dtype")) config.dtype = context.options.text("dtype");
}

Json headline_json(const BenchReport& report) {
  Json systems = Json::object();
  for (const SystemInfo& system : report.systems) {
    Json metrics = Json::object();
    for (const std::string& metric : report.metrics) {
      for (const MatchRule rule : report.rules) {
        const ReportCell* cell = report.find({system.label, rule, GoldSide::post, metric, "", ""});
        if (cell == nullptr) continue;
        metrics[metric][to_string(rule)] = {
            {"hit", cell->score.hit}, {"n", cell->score.n}, {"value", cell->score.value()}};
      }
    }
    systems[system.label] = std::move(metrics);
  }
  return systems;
}

std::string headline_text(const BenchReport& report, const Style& style) {
  std::vector<Table::Column> columns = {{"metric, " + std::string(to_string(report.rules.front()))},
                                        {"n", Table::Align::right}};
  for (const SystemInfo& system : report.systems) {
    columns.push_back({system.label, Table::Align::right});
  }
  Table table(columns);
  for (const std::string& metric : report.metrics) {
    std::vector<std::string> row = {metric_info(metric).title, ""};
    for (const SystemInfo& system : report.systems) {
      const ReportCell* cell =
          report.find({system.label, report.rules.front(), GoldSide::post, metric, "", ""});
      row.push_back(cell == nullptr ? "-" : fmt::format("{:.1f}", 100.0 * cell->score.value()));
      if (cell != nullptr) row[1] = fmt::format("{:.0f}", cell->score.n);
    }
    table.row(std::move(row));
  }
  return table.text(style);
}

void write_reports(Context& context, const std::vector<BenchReport>& reports) {
  const auto out = context.options.find("out");
  if (!out) return;
  const std::filesystem::path directory = *out;
  std::filesystem::create_directories(directory);
  context.write_file(directory / "report.html", to_html(reports));
  context.write_file(directory / "report.md", to_markdown(reports));
  context.write_file(directory / "report.csv", to_csv(reports));
  context.write_file(directory / "report.json", to_text(to_json(reports), 2) + "\n");
}

int finish_run(Context& context, const BenchConfig& config, Store& store) {
  const BenchInputs inputs = open_inputs(context, config);
  const std::string id = run_bench(config, inputs, store, context.run());
  context.finish_progress();
  std::vector<BenchReport> reports;
  reports.push_back(make_report(load_run(store, id)));
  write_reports(context, reports);
  const BenchReport& report = reports.front();
  const Json document = {{"run", id},
                         {"name", report.data.record.name},
                         {"store", store.path().string()},
                         {"state", report.data.record.state},
                         {"cases", report.data.cases.size()},
                         {"systems", headline_json(report)}};
  const std::string text = fmt::format(
      "run {} ({}) is done: {} cases, per cent, golds after the edits\n\n{}\nkedit report "
      "{} --store {} --out report.html shows it\n",
      id, report.data.record.name, report.data.cases.size(), headline_text(report, context.style()),
      id, store.path().string());
  return context.answer(document, text);
}

int run_run(Context& context) {
  BenchConfig config = read_bench_config(context.options.path("config"));
  apply_overrides(context, config);
  Store store = context.open_store(OpenMode::create);
  return finish_run(context, config, store);
}

RunRecord find_unfinished(const Context& context, const Store& store) {
  if (const auto name = context.options.find("run")) {
    const auto record = store.run(*name);
    if (!record) {
      throw StoreError(StoreError::Kind::absent,
                       fmt::format("{}: there is no run '{}'; see kedit bench status",
                                   store.path().string(), *name));
    }
    return *record;
  }
  for (const RunRecord& record : store.runs()) {
    if (record.state != "done") return record;
  }
  throw Failure(fmt::format("resuming: {}: no run is unfinished", store.path().string()));
}

int run_resume(Context& context) {
  Store store = context.open_store(OpenMode::existing);
  const RunRecord record = find_unfinished(context, store);
  if (record.state == "done") {
    throw Failure(
        fmt::format("resuming run {}: it is done already; kedit report shows it", record.id));
  }
  const BenchConfig config =
      bench_config_from_json(parse_json(record.config, "run " + record.id), "run " + record.id);
  return finish_run(context, config, store);
}

Json record_json(const RunRecord& record) {
  return {{"id", record.id},
          {"name", record.name},
          {"state", record.state},
          {"done", answered_cases(record)},
          {"total", record.total},
          {"started", record.started},
          {"finished", record.finished}};
}

int run_status(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  Json runs = Json::array();
  Table table({{"run"},
               {"name"},
               {"state"},
               {"done", Table::Align::right},
               {"total", Table::Align::right},
               {"started"}});
  for (const RunRecord& record : store.runs()) {
    runs.push_back(record_json(record));
    table.row({record.id, record.name, record.state, std::to_string(answered_cases(record)),
               std::to_string(record.total), record.started});
  }
  const std::string text = runs.empty() ? "no runs yet\n" : table.text(context.style());
  return context.answer({{"store", store.path().string()}, {"runs", runs}}, text);
}

Option out_option() {
  return text("out", "DIR", "also write report.html, .md, .csv and .json there");
}

Command bench_run() {
  Command run;
  run.name = "bench run";
  run.summary = "run editors and controls over a dataset, resumably";
  run.description =
      "The configuration is a JSON object: name, model, dataset (mquake:FILE), cases, editors, "
      "controls, protocol {grouping, group_size, seed, mask}, answerers, metrics, match, prompts, "
      "seed, dtype, device. Results live in the store. The same configuration again goes on with "
      "an "
      "unfinished run; a killed process loses at most the case in flight.";
  run.takes = kModel | kStore;
  run.options = {out_option()};
  run.arguments = {text("config", "CONFIG.json", "what to run").required()};
  run.example = "kedit bench run bench.json --store kedit.db";
  run.stops_gently = true;
  run.run = run_run;
  return run;
}

Command bench_resume() {
  Command resume;
  resume.name = "bench resume";
  resume.summary = "go on with an unfinished run";
  resume.takes = kModel | kStore;
  resume.options = {out_option()};
  resume.arguments = {text("run", "RUN", "id or name; the oldest unfinished run without")};
  resume.example = "kedit bench resume --store kedit.db";
  resume.stops_gently = true;
  resume.run = run_resume;
  return resume;
}

Command bench_status() {
  Command status;
  status.name = "bench status";
  status.summary = "list the runs of a store and how far they are";
  status.takes = kStore;
  status.example = "kedit bench status --store kedit.db";
  status.run = run_status;
  return status;
}

}  // namespace

std::vector<Command> bench_commands() { return {bench_run(), bench_status(), bench_resume()}; }

}  // namespace kedit::cli
