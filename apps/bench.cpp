// kedit bench: batch benchmark runs.
#include "apps/bench_inputs.hpp"
#include "apps/commands.hpp"
#include "apps/exit_code.hpp"
#include "apps/process.hpp"
#include "apps/store_view.hpp"
#include "eval/answering/recalled.hpp"
#include "eval/report/definitions.hpp"
#include "eval/report/report.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::cli {
namespace {

// What the command line overrides becomes part of the run's configuration, so that a resumed run
// has it too.
void apply_overrides(Context& context, runner::BenchConfig& config) {
  if (context.options.given("model") || config.model.empty()) {
    config.model = std::filesystem::absolute(context.model_path()).lexically_normal().string();
  }
  if (context.options.given("device")) config.device = context.options.text("device");
  if (context.options.given("dtype")) config.dtype = context.options.text("dtype");
}

Json headline_json(const report::BenchReport& report) {
  Json systems = Json::object();
  for (const runner::SystemInfo& system : report.systems) {
    Json metrics = Json::object();
    for (const std::string& metric : report.metrics) {
      for (const MatchRule rule : report.rules) {
        const report::ReportCell* cell =
            report.find({system.label, rule, GoldSide::post, metric, "", ""});
        if (cell == nullptr) continue;
        metrics[metric][to_string(rule)] = {
            {"hit", cell->score.hit}, {"n", cell->score.n}, {"value", cell->score.value()}};
      }
    }
    systems[system.label] = std::move(metrics);
  }
  return systems;
}

// The run's first rule that this metric has numbers under: tokens are judged by M6 alone.
MatchRule rule_with(const report::BenchReport& report, const std::string& metric) {
  for (const MatchRule rule : report.rules) {
    for (const runner::SystemInfo& system : report.systems) {
      if (report.find({system.label, rule, GoldSide::post, metric, "", ""})) return rule;
    }
  }
  return report.rules.front();
}

std::string headline_text(const report::BenchReport& report, const Style& style) {
  std::vector<Table::Column> columns = {{"metric, " + std::string(to_string(report.rules.front()))},
                                        {"n", Table::Align::right}};
  for (const runner::SystemInfo& system : report.systems) {
    columns.push_back({system.label, Table::Align::right});
  }
  Table table(columns);
  for (const std::string& metric : report.metrics) {
    const MatchRule rule = rule_with(report, metric);
    std::vector<std::string> row = {metrics::metric_info(metric).title, ""};
    if (rule != report.rules.front()) row[0] += fmt::format(", {}", to_string(rule));
    for (const runner::SystemInfo& system : report.systems) {
      const report::ReportCell* cell =
          report.find({system.label, rule, GoldSide::post, metric, "", ""});
      row.push_back(cell == nullptr ? "-" : report::shown(metric, cell->score.value()));
      if (cell != nullptr) row[1] = fmt::format("{:.0f}", cell->score.n);
    }
    table.row(std::move(row));
  }
  return table.text(style);
}

void write_reports(Context& context, const std::vector<report::BenchReport>& reports) {
  const auto out = context.options.find("out");
  if (!out) return;
  const std::filesystem::path directory = *out;
  std::filesystem::create_directories(directory);
  context.write_file(directory / "report.html", report::to_html(reports));
  context.write_file(directory / "report.md", report::to_markdown(reports));
  context.write_file(directory / "report.csv", report::to_csv(reports));
  context.write_file(directory / "report.json", to_text(to_json(reports), 2) + "\n");
}

// The end of a run: what it found, in short, and its reports.
int show_run(Context& context, const Store& store, const std::string& id) {
  std::vector<report::BenchReport> reports;
  reports.push_back(report::make_report(runner::load_run(store, id)));
  write_reports(context, reports);
  const report::BenchReport& report = reports.front();
  const Json document = {{"run", id},
                         {"name", report.data.record.name},
                         {"store", store.path().string()},
                         {"state", report.data.record.state},
                         {"cases", report.data.cases.size()},
                         {"systems", headline_json(report)}};
  const std::string text = fmt::format(
      "run {} ({}) is {}: {} cases, per cent, golds after the edits\n\n{}\nkedit report "
      "{} --store {} --out report.html shows it\n",
      id, report.data.record.name, report.data.record.state == "done" ? "done" : "not complete",
      report.data.cases.size(), headline_text(report, context.style()), id, store.path().string());
  return context.answer(document, text);
}

int finish_run(Context& context, const runner::BenchConfig& config,
               const runner::BenchInputs& inputs, Store& store, const runner::Shard& shard) {
  const std::string id = runner::run_bench(config, inputs, store, context.run(), shard);
  context.finish_progress();
  return show_run(context, store, id);
}

// One process of several started by torchrun or Slurm, or by --workers.
int run_shard(Context& context, runner::BenchConfig& config, Place place) {
  const runner::Shard shard = place.shard;
  const std::filesystem::path file = place.store = shard_store(place.store, shard);
  runner::BenchInputs inputs = open_inputs(context, config, place);  // bad input leaves no store
  inputs.together = context.options.integer("together");
  Store store = Store::open(file, OpenMode::create);
  const std::string id = runner::run_bench(config, inputs, store, context.run(), shard);
  context.finish_progress();
  const RunRecord record = store.run(id).value();
  return context.answer({{"run", id},
                         {"store", file.string()},
                         {"rank", shard.rank},
                         {"of", shard.of},
                         {"done", record.done},
                         {"total", record.total}},
                        fmt::format("part {} of {} is done: {} answers in {}; kedit bench merge "
                                    "joins the parts\n",
                                    shard.rank + 1, shard.of, record.done, file.string()));
}

// What a worker is told: the same run, its share of the cores, and no talk.
std::vector<std::string> worker_words(const Context& context, std::int64_t workers) {
  std::vector<std::string> words = {
      "bench",  "run", context.options.text("config"), "--store", context.store_path().string(),
      "--quiet"};
  for (const char* name : {"model", "device", "dtype", "branch", "edits", "together"}) {
    if (!context.options.given(name)) continue;
    words.push_back(std::string("--") + name);
    words.push_back(context.options.text(name));
  }
  for (const char* name : {"allow-tf32", "allow-nonfinite", "verify-model"}) {
    if (context.options.flag(name)) words.push_back(std::string("--") + name);
  }
  const auto share = std::max<std::int64_t>(1, context.threads() / workers);
  words.insert(words.end(), {"--threads", std::to_string(share)});
  return words;
}

// What they held lies in the whole store now. A part that holds another run as well is that run's.
void remove_parts(const std::vector<std::filesystem::path>& parts) {
  for (const std::filesystem::path& part : parts) {
    if (Store::open(part, OpenMode::read_only).runs().size() > 1) continue;
    for (const char* ending : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(part.string() + ending, ignored);
    }
  }
}

// Starts this command once per worker, waits, and joins what they stored. Interrupts reach the
// workers too, which save their state; the same command again goes on.
int run_workers(Context& context, std::int64_t workers) {
  std::vector<std::filesystem::path> parts;
  for (std::int64_t rank = 0; rank < workers; ++rank) {
    parts.push_back(shard_store(context.store_path(), {rank, workers}));
  }
  const int code = run_copies(worker_words(context, workers), workers);
  if (code == 130) throw Interrupted("the workers were interrupted; the same command goes on");
  const auto ended = fmt::format(
      "running {} workers: one ended with code {}; its message stands "
      "above",
      workers, code);
  if (code == kBadInput) throw InputError(ended);
  if (code != 0) throw Failure(ended + ", and the same command goes on with what is missing");
  Store store = context.open_store(OpenMode::create);
  const std::string id = runner::merge_runs(parts, store);
  if (store.run(id).value().state == "done") remove_parts(parts);
  return show_run(context, store, id);
}

// Wrong numbers in the environment are as wrong as wrong options.
runner::Shard own_shard() {
  try {
    return runner::shard_from_environment();
  } catch (const EvalError& error) {
    throw UsageError(error.what());
  }
}

int run_run(Context& context) {
  if (context.options.given("branch") && context.options.given("edits")) {
    throw UsageError("--edits: expected either --edits or --branch, found both");
  }
  runner::BenchConfig config = runner::read_bench_config(context.options.path("config"));
  apply_overrides(context, config);
  const std::int64_t workers = context.options.integer("workers");
  if (workers > 1) return run_workers(context, workers);
  const Place place{context.store_path(), own_shard(), context.options.find("branch"),
                    context.options.find("edits")};
  if (place.shard.of > 1) return run_shard(context, config, place);
  runner::BenchInputs inputs = open_inputs(context, config, place);  // bad input leaves no store
  inputs.together = context.options.integer("together");
  Store store = context.open_store(OpenMode::create);
  return finish_run(context, config, inputs, store, place.shard);
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

// The share of a run that a store of one of several processes holds.
runner::Shard shard_of(const RunRecord& record) {
  const Json header = parse_json(record.header, "run " + record.id);
  if (!header.contains("shard")) return {};
  const JsonView shard(header["shard"], "run " + record.id, "/shard");
  return {shard.at("rank").integer(), shard.at("of").integer()};
}

int run_resume(Context& context) {
  Store store = context.open_store(OpenMode::existing);
  const RunRecord record = find_unfinished(context, store);
  if (record.state == "done") {
    throw Failure(
        fmt::format("resuming run {}: it is done already; kedit report shows it", record.id));
  }
  runner::BenchConfig config = runner::bench_config_from_json(
      parse_json(record.config, "run " + record.id), "run " + record.id);
  const Place place{store.path(), shard_of(record)};
  runner::BenchInputs inputs = open_inputs(context, config, place);
  inputs.together = context.options.integer("together");
  return finish_run(context, config, inputs, store, place.shard);
}

Json record_json(const RunRecord& record) {
  return {{"id", record.id},
          {"name", record.name},
          {"state", record.state},
          {"done", record.done},
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
    table.row({record.id, printable(record.name), record.state, std::to_string(record.done),
               std::to_string(record.total), record.started});
  }
  const std::string text = runs.empty() ? "no runs yet\n" : table.text(context.style());
  return context.answer({{"store", store.path().string()}, {"runs", runs}}, text);
}

Option out_option() {
  return text("out", "DIR", "also write report.html, .md, .csv and .json there");
}

Option together_option() {
  return integer("together", "N",
                 "cases asked in one batch where nothing is edited in between: faster, the same "
                 "answers, and a killed run loses so many")
      .otherwise("1")
      .at_least(1)
      .at_most(1024);
}

int run_merge(Context& context) {
  std::vector<std::filesystem::path> parts;
  for (const std::string& part : context.options.list("part")) parts.emplace_back(part);
  Store store = context.open_store(OpenMode::create);
  return show_run(context, store, runner::merge_runs(parts, store));
}

Command bench_merge() {
  Command merge;
  merge.name = "bench merge";
  merge.summary = "join the stores of a run that several processes shared";
  merge.description =
      "The joined run is what one process would have stored; where cases are missing it is "
      "unfinished, and kedit bench resume goes on with it.";
  merge.takes = kRuns;
  merge.options = {out_option()};
  merge.arguments = {text("part", "STORE", "a store of one process").required().repeated()};
  merge.example = "kedit bench merge kedit.db.1-of-2 kedit.db.2-of-2 --store kedit.db";
  merge.run = run_merge;
  return merge;
}

// "0-2,7": the form that `cases` of a configuration takes.
std::string as_selection(const std::vector<std::int64_t>& ids) {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::size_t last = i;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", ids[i]);
    if (last > i) text += fmt::format("-{}", ids[last]);
    i = last;
  }
  return text;
}

int run_recalled(Context& context) {
  runner::BenchConfig config;
  config.dataset = context.options.text("dataset");
  config.prompts = context.options.text("prompts");
  if (context.options.given("cases")) config.cases = context.options.text("cases");
  const runner::BenchInputs inputs = open_inputs(context, config, {});
  std::vector<const Case*> asked;
  for (const auto& group : runner::bench_groups(config, inputs.dataset)) {
    asked.insert(asked.end(), group.cases.begin(), group.cases.end());
  }
  const EditedModel model(inputs.model);
  std::vector<std::int64_t> known = answering::recalled_cases(
      asked, LocalLanguageModel(model), runner::bench_prompts(config, inputs), context.run());
  std::sort(known.begin(), known.end());
  context.finish_progress();
  const std::string cases = as_selection(known);
  const Json document = {{"model", identity_json(*inputs.model)},
                         {"dataset", config.dataset},
                         {"asked", asked.size()},
                         {"recalled", known.size()},
                         {"cases", cases}};
  return context.answer(document, fmt::format("{} of {} cases: {}\n", known.size(), asked.size(),
                                              known.empty() ? "none" : cases));
}

Command bench_recalled() {
  Command recalled;
  recalled.name = "bench recalled";
  recalled.summary = "choose the cases whose old facts the unedited model knows";
  recalled.description =
      "An edit of a fact that a model never knew shows little. Records with a true object "
      "(counterfact) count when greedy decoding writes it after the edited prompt; MQuAKE's when "
      "every hop before the edits, asked alone with exemplars, is answered with its gold. The "
      "list goes into \"cases\" of a configuration.";
  recalled.takes = kModel;
  recalled.options = {text("dataset", "FORMAT:FILE", "mquake:FILE or counterfact:FILE").required(),
                      text("cases", "LIST", "cases to ask, 1-100,205").otherwise_said("all"),
                      text("prompts", "NAME", "prompts of questions")
                          .otherwise("auto")
                          .one_of({"auto", "lab", "few-shot"})};
  recalled.example = "kedit bench recalled --dataset counterfact:counterfact.json --json";
  recalled.stops_gently = true;
  recalled.run = run_recalled;
  return recalled;
}

Command bench_run() {
  Command run;
  run.name = "bench run";
  run.summary = "run editors and controls over a dataset, resumably";
  run.description =
      "The configuration is a JSON object: name, model, dataset (mquake:FILE, counterfact:FILE or "
      "zsre:FILE), cases, edits (ids that stay mounted throughout), editors, "
      "controls, protocol {grouping, group_size, seed, mask (report, memory, drop), schedule "
      "(batch, "
      "end, immediate, or a list of them)}, answerers, metrics, match, generation {every, tokens, "
      "top_k, seed, snippets, punkt}, prompts, seed, dtype, device. Results live in "
      "the store. The same configuration again goes on with "
      "an "
      "unfinished run; a killed process loses at most the case in flight. Under torchrun (RANK, "
      "WORLD_SIZE) or Slurm each process does its share of the groups in a store of its own, "
      "STORE.K-of-N.\n\n" +
      to_text(report::answerer_definitions()) + "\n" + to_text(report::control_definitions()) +
      "\n" + to_text(report::grouping_definitions()) + "\n" +
      to_text(report::metric_definitions()) + "\n" + to_text(report::probability_definitions()) +
      "\n" + to_text(report::rule_definitions()) + "\n" +
      to_text(report::specificity_definitions());
  run.takes = kModel | kRuns;
  run.options = {out_option(),
                 text("branch", "NAME", "start from the model with what is live on this branch")
                     .otherwise_said("the model as it is"),
                 text("edits", "IDS", "start from the model with exactly these edits, with commas"),
                 integer("workers", "N", "processes on this machine that share the groups")
                     .otherwise("1")
                     .at_least(1)
                     .at_most(256),
                 together_option()};
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
  resume.takes = kModel | kRuns;
  resume.options = {out_option(), together_option()};
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
  status.takes = kRuns;
  status.example = "kedit bench status --store kedit.db";
  status.run = run_status;
  return status;
}

}  // namespace

std::vector<Command> bench_commands() {
  return {bench_run(), bench_status(), bench_resume(), bench_merge(), bench_recalled()};
}

}  // namespace kedit::cli
