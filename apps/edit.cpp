#include "apps/commands.hpp"
#include "apps/edit_plan.hpp"
#include "apps/edit_run.hpp"
#include "datasets/requests.hpp"
#include "editors/editor.hpp"
#include "editors/setting_infos.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/runner/model_record.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

// ---- What is asked for ------------------------------------------------------

std::string option_or_usage(const Values& options, const char* name) {
  const auto value = options.find(name);
  if (!value) {
    throw UsageError(fmt::format(
        "--{}: expected it together with --subject, --prompt and --target, found none; or give "
        "--requests or --dataset",
        name));
  }
  return *value;
}

EditRequest request_of_options(const Values& options) {
  EditRequest request;
  request.id = "command-line";
  request.subject = option_or_usage(options, "subject");
  request.prompt = option_or_usage(options, "prompt");
  request.target_new = option_or_usage(options, "target");
  if (options.given("target-true")) request.target_true = options.text("target-true");
  return validate_request(std::move(request));
}

std::vector<EditRequest> requests_of_options(const Values& options) {
  const bool single =
      options.given("subject") || options.given("prompt") || options.given("target");
  const int sources =
      (single ? 1 : 0) + (options.given("requests") ? 1 : 0) + (options.given("dataset") ? 1 : 0);
  if (sources > 1) {
    throw UsageError(
        "expected one of --subject/--prompt/--target, --requests and --dataset, found "
        "several");
  }
  if (options.given("cases") && !options.given("dataset")) {
    throw UsageError("--cases: expected --dataset FORMAT:FILE, found none");
  }
  if (options.given("requests")) return read_requests(options.path("requests"));
  if (options.given("dataset")) {
    const std::string cases = options.given("cases") ? options.text("cases") : "";
    return read_dataset_requests(options.text("dataset"), cases);
  }
  return {request_of_options(options)};
}

EditorSettings settings_of_options(const Values& options) {
  EditorSettings settings;
  if (options.given("settings")) {
    settings = EditorSettings::find(options.text("editor"), options.path("settings").string());
  }
  for (const std::string& assignment : options.list("set")) settings.set(assignment);
  // An editor without statistics has nothing to collect.
  const std::vector<std::string> keys = setting_keys(options.text("editor"));
  const bool counts = std::find(keys.begin(), keys.end(), "stats") != keys.end();
  if (counts && options.given("stats")) settings.values["stats"] = options.text("stats");
  settings.force = options.flag("force");
  return settings;
}

// ---- The run ----------------------------------------------------------------

/// A failure tells what was committed before it, so that nobody has to guess.
[[noreturn]] void report_failure(const EditedRequests& edited, bool dry_run) {
  std::string text = edited.failed.front().reason;
  if (!edited.made.empty() && !dry_run) {
    text += fmt::format("; {} edits before it were committed", edited.made.size());
  }
  throw Failure(text);
}

std::unique_ptr<Editor> editor_of_options(const Values& options, const EditorSettings& settings) {
  const std::string name = options.text("editor");
  try {
    return make_editor(name, settings);
  } catch (const EditError& error) {
    const bool known = find_editor(name) != nullptr;
    if (!known || !options.given("settings")) throw UsageError(error.what());
    throw InputError(error.what());
  }
}

std::optional<Store> open_edit_store(Context& context, bool dry_run) {
  std::error_code absent;
  if (dry_run && !fs::exists(context.store_path(), absent)) return std::nullopt;
  return context.open_store(dry_run ? OpenMode::read_only : OpenMode::create);
}

// Without a store there is nothing but the branch that a new store begins with.
std::string branch_of_no_store(const Values& options) {
  return options.given("branch") ? options.text("branch") : "main";
}

void mount_before(Context& context, EditedModel& model, const Store& store,
                  const std::string& branch) {
  const auto ids = context.options.find("edits");
  if (ids) return context.mount_edits(&model, store, *ids);
  context.mount_branch(&model, store, branch, OtherModels::passed_over);
}

// Said before minutes are spent on edits that the store would refuse.
void check_conflicts(Context& context, const Store& store, const std::string& branch,
                     const std::string& fingerprint, const std::vector<EditRequest>& requests,
                     bool dry_run) {
  const Values& options = context.options;
  if (options.flag("allow-conflict") || options.flag("keep-going")) return;
  std::vector<EditClaim> claims;
  for (const EditRequest& request : requests) {
    claims.push_back({fmt::format("of request {}", request.id), fingerprint, request.id,
                      request.subject, request.relation, request.prompt, request.target_new,
                      request.target_new_aliases});
  }
  const std::vector<Conflict> found = store.contradictions(claims, branch);
  if (found.empty()) return;
  const std::string more =
      found.size() == 1 ? std::string() : fmt::format(" (and {} more)", found.size() - 1);
  const std::string sentence = fmt::format(
      "editing: {}: branch {}: {}{}; revert the earlier one (kedit store revert), or "
      "give --allow-conflict",
      store.path().string(), branch, describe(found.front()), more);
  if (!dry_run) throw StoreError(StoreError::Kind::conflict, sentence);
  context.warn(sentence);
}

// Where the edits go, and the model with what is mounted before them.
struct Target {
  EditedModel model;
  Json settings;               // of the editor for this model
  std::optional<Store> store;  // none under --dry-run without a store
  std::string branch;
};

Target open_target(Context& context, const Editor& editor, const std::vector<EditRequest>& requests,
                   bool dry_run) {
  EditedModel model(context.load_model());
  model.tokenizer();  // without one no prompt can be read: said before the store is touched
  Json settings = editor.settings_for(model.base());
  std::optional<Store> store = open_edit_store(context, dry_run);
  std::string branch = store ? context.branch(*store) : branch_of_no_store(context.options);
  if (store) {
    mount_before(context, model, *store, branch);
    check_conflicts(context, *store, branch, model.base().fingerprint(), requests, dry_run);
    if (!dry_run) store->put_model(runner::model_record(model.base()));
  }
  return {std::move(model), std::move(settings), std::move(store), std::move(branch)};
}

std::size_t batch_size(const Values& options, EditMode mode) {
  if (!options.given("batch-size")) return 0;
  if (mode == EditMode::batch) return static_cast<std::size_t>(options.integer("batch-size"));
  throw UsageError("--batch-size: expected --mode batch, found another mode");
}

EditRun edit_run(Context& context, const Editor& editor, Target& target, EditMode mode,
                 PhaseMeter& meter) {
  const Values& options = context.options;
  EditRun run{editor};
  run.store = options.flag("dry-run") ? nullptr : &*target.store;
  run.commit = {.note = options.given("note") ? options.text("note") : "",
                .branch = target.branch,
                .allow_conflict = options.flag("allow-conflict")};
  run.mode = mode;
  run.batch_size = batch_size(options, mode);
  run.force = options.flag("force");
  run.keep_going = options.flag("keep-going");
  run.stop_on_collapse = options.flag("stop-on-collapse");
  run.form = prompt_form("few-shot", {});
  run.context = context.run();
  run.context.phase = [&meter](const std::string& name) { meter.enter(name); };
  return run;
}

// Which published settings were taken because they fit the model.
void name_shipped_settings(Context& context, const Editor& editor, const Json& settings) {
  if (!settings.contains("shipped_settings") || context.options.given("settings")) return;
  context.note(fmt::format("settings: those published for {} (kedit explain {} --settings {})",
                           settings.at("shipped_settings").get<std::string>(), editor.name(),
                           settings.at("shipped_settings").get<std::string>()));
}

Json edits_document(const Context& context, const Target& target, const Json& settings,
                    const EditedRequests& edited) {
  const bool dry_run = context.options.flag("dry-run");
  Json document = {{"store", dry_run ? Json(nullptr) : Json(context.store_path().string())},
                   {"branch", target.branch},
                   {"model", identity_json(target.model.base())},
                   {"settings", settings},
                   {"edits", edits_json(edited.made)}};
  if (!edited.failed.empty()) document["failed"] = Json::array();
  for (const FailedEdit& one : edited.failed) {
    document["failed"].push_back({{"request_id", one.request_id}, {"reason", one.reason}});
  }
  if (!edited.watched.empty()) document["collapse"] = Json::array();
  for (const WatchedStep& step : edited.watched) {
    document["collapse"].push_back({{"edits", step.edits},
                                    {"perplexity", step.figures.perplexity},
                                    {"before", step.figures.before},
                                    {"norm_growth", step.figures.norm_growth},
                                    {"weight", step.figures.weight}});
  }
  return document;
}

// ---- What it would take ---------------------------------------------------------

int plan_edits(Context& context, const Editor& editor, const std::vector<EditRequest>& requests) {
  const EditedModel model(context.load_model());
  model.tokenizer();
  Json missing = Json::array();
  try {
    editor.settings_for(model.base());
  } catch (const StatisticsError& error) {
    missing.push_back(error.what());
  }
  const RunCost cost = predict(editor, model, requests);
  Json plan = cost.to_json();
  plan["requests"] = requests.size();
  plan["missing"] = missing;
  std::string text = fmt::format("{} requests\n", requests.size());
  Table table(
      {{"phase"}, {"seconds", Table::Align::right}, {"peak memory, MB", Table::Align::right}});
  for (const Phase& phase : cost.phases) {
    table.row({phase.name, fmt::format("{:.1f}", phase.seconds),
               fmt::format("{:.0f}", static_cast<double>(phase.peak_bytes) / 1e6)});
  }
  text += table.text(context.style());
  for (const Json& one : missing) text += "missing: " + one.get<std::string>() + "\n";
  return context.answer({{"plan", plan}}, text);
}

int edit_requests(Context& context, const std::vector<EditRequest>& requests) {
  const Values& options = context.options;
  const bool dry_run = options.flag("dry-run");
  const EditorSettings settings = settings_of_options(options);
  const std::unique_ptr<Editor> editor = editor_of_options(options, settings);
  const EditMode mode = edit_mode(options.find("mode"), *find_editor(editor->name()));
  if (options.flag("plan")) return plan_edits(context, *editor, requests);
  PhaseMeter meter;
  meter.enter("load");
  Target target = open_target(context, *editor, requests, dry_run);
  name_shipped_settings(context, *editor, target.settings);
  EditedRequests edited;
  edit_all(edit_run(context, *editor, target, mode, meter), target.model, requests, &edited);
  meter.leave();
  context.finish_progress();
  if (!edited.failed.empty() && !options.flag("keep-going")) report_failure(edited, dry_run);
  Json document = edits_document(context, target, target.settings, edited);
  document["measured"] = meter.cost().to_json();
  context.answer(document, edits_text(edited.made, context.style()));
  return edited.failed.empty() ? 0 : 1;
}

int run_edit(Context& context) {
  const std::vector<EditRequest> requests = requests_of_options(context.options);
  try {
    return edit_requests(context, requests);
  } catch (const SettingsError& error) {
    if (context.options.given("settings")) throw InputError(error.what());
    throw UsageError(error.what());
  }
}

std::string editor_names() {
  std::vector<std::string> names;
  for (const EditorInfo& info : known_editors()) names.push_back(info.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string editor_help() {
  std::vector<std::string> lines;
  for (const EditorInfo& info : known_editors()) {
    lines.push_back(fmt::format("{}: {} ({})", info.name, info.summary, info.evidence));
  }
  return fmt::format("{}", fmt::join(lines, "; "));
}

}  // namespace

std::vector<Command> edit_commands() {
  Command edit;
  edit.name = "edit";
  edit.summary = "make edits and commit them to the store";
  edit.takes = kModel | kStore | kSeed;
  edit.options = {
      text("editor", "E", "editing method: " + editor_names()).required(),
      text("subject", "S", "subject of one edit"),
      text("prompt", "P", "its prompt, with {} where the subject goes or with the subject itself"),
      text("target", "T", "what the model should say after the prompt"),
      text("target-true", "T", "what it says now, to be scored beside the new target"),
      text("requests", "FILE", "edit requests, one JSON object a line"),
      text("dataset", "FORMAT:FILE", "the edits of a dataset: mquake:FILE"),
      text("cases", "A-B,C", "only these case ids of the dataset"),
      text("settings", "FILE|NAME",
           "hyper-parameters by the reference names, JSON or flat YAML, or the name of published "
           "ones "
           "(kedit explain EDITOR); without it the published ones of the model, if any"),
      text("set", "KEY=VALUE", "one hyper-parameter; wins over --settings").repeated(),
      text(
          "stats", "MODE",
          "what becomes of key statistics that are missing: auto: they are collected over the text "
          "of mom2_dataset, in minutes to hours; never: they are named, with what they cost")
          .otherwise_said("never")
          .one_of({"auto", "never"}),
      text(
          "mode", "MODE",
          "sequential: each edit sees those before it; independent: each sees only what was "
          "mounted at the start; batch: all in one solve. Without it batch where the editor solves "
          "batches, else sequential")
          .one_of({"independent", "sequential", "batch"}),
      integer("batch-size", "N", "in mode batch: solves of N requests, each on those before it")
          .at_least(1),
      flag("stop-on-collapse",
           "in a row of edits: stop before one that ruins the model (perplexity on its own text)"),
      text("note", "TEXT", "kept with the commits"),
      text("edits", "IDS",
           "begin with exactly these edits mounted, with commas, in place of what is live on the "
           "branch"),
      flag("allow-conflict",
           "commit an edit that gives a live edit's subject and relation (or prompt) another "
           "target"),
      flag("dry-run", "compute and measure all, commit nothing"),
      flag("plan", "only say how long it would take, how much memory, and what is missing"),
      flag("force", "commit an edit that fails its health check, and record it"),
      flag("keep-going", "go on with the next request when one cannot be edited; exit code 1")};
  edit.description =
      "Each edit is computed, checked, committed in one transaction and measured before the next "
      "begins. Edits that live on the branch for this model are mounted first. An edit that "
      "contradicts a live one of the branch is refused (exit code 4). Editors: " +
      editor_help() + ".";
  edit.example =
      "kedit edit --editor rome --subject 'Danielle Darrieux' --prompt 'The mother tongue of {} "
      "is' "
      "--target English";
  edit.stops_gently = true;
  edit.run = run_edit;
  return {edit};
}

}  // namespace kedit::cli
