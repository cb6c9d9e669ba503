// kedit import: an adapter or an edited checkpoint becomes an edit of the store.
#include "apps/commands.hpp"
#include "apps/edit_report.hpp"
#include "apps/store_view.hpp"
#include "apps/stored_model.hpp"
#include "editors/locate/health.hpp"
#include "eval/runner/model_record.hpp"
#include "model/adapters/checkpoint_difference.hpp"
#include "model/adapters/edits_file.hpp"
#include "model/adapters/peft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

/// An edit as the files hold it, and what the answer says about its weights.
struct Imported {
  std::shared_ptr<const EditDelta> delta;
  Json weights;  ///< One object a weight.
};

// ---- Reading --------------------------------------------------------------------

/// The updates that the files mean.
struct Updates {
  std::vector<WeightUpdate> updates;
  Json told = Json::array();
};

Json weight_json(const WeightUpdate& update) {
  const bool dense = std::holds_alternative<Dense>(update.update);
  return {{"weight", update.weight},
          {"kind", dense ? "dense" : "low-rank"},
          {"shape", {update.rows(), update.cols()}},
          {"rank", update.rank()}};
}

Updates read_adapter(const fs::path& directory, const Model& model) {
  Updates read;
  read.updates = adapters::read_peft(directory, model.architecture());
  for (const WeightUpdate& update : read.updates) read.told.push_back(weight_json(update));
  return read;
}

Updates read_checkpoint(Context& context, const fs::path& path) {
  const auto base = load_as_stored(context, context.model_path());
  const auto edited = load_as_stored(context, path);
  const auto when = context.options.flag("compact") ? adapters::LowRankWhen::rounded
                                                    : adapters::LowRankWhen::exact;
  Updates read;
  for (auto& one : adapters::checkpoint_difference(*base, *edited, when, context.run())) {
    if (one.rounded_rank) {
      context.note(fmt::format(
          "note: {}: but for rounding its change is of rank {}; --compact keeps it as such",
          one.update.weight, *one.rounded_rank));
    }
    read.told.push_back(weight_json(one.update));
    read.told.back()["residual"] = one.residual;
    read.updates.push_back(std::move(one.update));
  }
  return read;
}

std::string name_of(const Values& options, const fs::path& path) {
  if (options.given("name")) return options.text("name");
  const fs::path whole = fs::weakly_canonical(path);
  return whole.filename().string();
}

// What the exporter wrote down beside the weights.
std::vector<EditRequest> recorded_requests(Context& context, const fs::path& path,
                                           const Model& model) {
  adapters::RecordedEdits recorded = adapters::read_recorded_edits(path);
  if (!recorded.model.empty() && recorded.model != model.fingerprint()) {
    context.warn(fmt::format("{} was made for model {:.12}, and is imported for model {:.12}",
                             path.string(), recorded.model, model.fingerprint()));
  }
  return std::move(recorded.requests);
}

void add_figures(EditDelta* delta, const EditedModel& model) {
  HealthReport health;
  for (const WeightUpdate& update : delta->updates) {
    health.updates.push_back(locate::measure_update(model, update));
  }
  delta->figures.norms.update_frobenius = health.updates.back().update_norm;
  delta->figures.norms.weight_frobenius = health.updates.back().weight_norm;
  delta->figures.health = std::move(health);
}

Imported read_imported(Context& context, const EditedModel& model) {
  const fs::path path = context.options.path("path");
  const std::string form = context.options.text("from");
  if (context.options.flag("compact") && form != "hf") {
    throw UsageError(fmt::format("--compact: expected --from hf, found {}", form));
  }
  Updates read = form == "peft" ? read_adapter(path, model.base()) : read_checkpoint(context, path);
  EditDelta delta;
  delta.editor = "import";
  delta.settings = {{"from", form}, {"name", name_of(context.options, path)}};
  delta.base_fingerprint = model.base().fingerprint();
  delta.requests = recorded_requests(context, path, model.base());
  delta.updates = std::move(read.updates);
  add_figures(&delta, model);
  return {std::make_shared<const EditDelta>(std::move(delta)), std::move(read.told)};
}

// ---- Committing -----------------------------------------------------------------

/// Where the edit goes, and the model with what is live there.
struct Place {
  EditedModel model;
  std::optional<Store> store;  ///< None under --dry-run without a store.
  std::string branch;
};

Place open_place(Context& context, const EditedModel& model) {
  const bool dry_run = context.options.flag("dry-run");
  Place place{model, {}, "main"};
  std::error_code absent;
  if (!dry_run || fs::exists(context.store_path(), absent)) {
    place.store = context.open_store(dry_run ? OpenMode::read_only : OpenMode::create);
    place.branch = context.branch(*place.store);
    context.mount_branch(&place.model, *place.store, place.branch, OtherModels::passed_over);
  }
  return place;
}

std::string commit(Context& context, Place& place, const EditDelta& delta) {
  if (context.options.flag("dry-run")) return {};
  const Values& options = context.options;
  place.store->put_model(runner::model_record(place.model.base()));
  const Json& settings = delta.settings;
  CommitOptions commit;
  commit.branch = place.branch;
  commit.allow_conflict = options.flag("allow-conflict");
  commit.note = options.given("note")
                    ? options.text("note")
                    : fmt::format("imported from {} {}", settings["from"].get<std::string>(),
                                  settings["name"].get<std::string>());
  return place.store->commit(delta, commit);
}

bool measures(const EditedModel& model, const EditDelta& delta) {
  return model.base().has_tokenizer() && !delta.requests.empty();
}

std::vector<Measured> measured(const EditedModel& model, const EditDelta& delta) {
  if (!measures(model, delta)) return std::vector<Measured>(delta.requests.size());
  return measure_all(model, prompt_form("few-shot", {}), delta.requests);
}

// One entry a request, or one for an edit of which no request is known.
std::vector<Made> take_in(Context& context, Place& place,
                          const std::shared_ptr<const EditDelta>& delta) {
  const Stopwatch whole;
  const std::vector<Measured> before = measured(place.model, *delta);
  if (context.run().should_stop()) {
    throw Interrupted("importing was interrupted; nothing was committed");
  }
  const Stopwatch committing;
  const std::string id = commit(context, place, *delta);
  const double commit_seconds = committing.seconds();
  place.model.mount(id.empty() ? "dry run" : id, *delta);
  const std::vector<Measured> after = measured(place.model, *delta);
  std::vector<Made> made(std::max<std::size_t>(delta->requests.size(), 1));
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i].delta = delta;
    made[i].place = i;
    made[i].id = id;
    made[i].commit_seconds = commit_seconds;
    made[i].total_seconds = whole.seconds();
    if (i == delta->requests.size()) continue;
    made[i].request = delta->requests[i];
    made[i].before = before[i];
    made[i].after = after[i];
  }
  return made;
}

// ---- The answer -----------------------------------------------------------------

Json entries_json(const std::vector<Made>& made, const EditedModel& model,
                  const Imported& imported) {
  Json entries = edits_json(made);
  for (Json& entry : entries) {
    if (imported.delta->requests.empty()) {
      for (const char* key : {"request_id", "subject", "target_new"}) entry[key] = nullptr;
    }
    if (!measures(model, *imported.delta)) {
      for (const char* key : {"before", "after"}) entry[key] = nullptr;
    }
    entry["name"] = imported.delta->settings["name"];
    entry["weights"] = imported.weights;
  }
  return entries;
}

std::string text_of(const std::vector<Made>& made, const Imported& imported, const Style& style) {
  Table table({{"weight"},
               {"kind"},
               {"rank", Table::Align::right},
               {"largest residual", Table::Align::right}});
  for (const Json& weight : imported.weights) {
    table.row({weight["weight"].get<std::string>(), weight["kind"].get<std::string>(),
               fmt::to_string(weight["rank"].get<std::int64_t>()),
               weight.contains("residual") ? fmt::format("{:.3g}", weight["residual"].get<double>())
                                           : ""});
  }
  const std::string id = made.front().id.empty() ? "(dry run)" : "edit " + made.front().id;
  const std::string text = fmt::format("{}\n\n{}", id, table.text(style));
  if (imported.delta->requests.empty()) return text;
  std::vector<Made> shown = made;  // texts of a file from anywhere
  for (Made& one : shown) {
    one.request.subject = printable(one.request.subject);
    one.request.target_new = printable(one.request.target_new);
  }
  return text + "\n" + edits_text(shown, style);
}

int run_import(Context& context) {
  const bool dry_run = context.options.flag("dry-run");
  const EditedModel model(context.load_model());
  const Imported imported = read_imported(context, model);
  Place place = open_place(context, model);
  const std::vector<Made> made = take_in(context, place, imported.delta);
  const Json document = {{"store", dry_run ? Json(nullptr) : Json(context.store_path().string())},
                         {"branch", place.branch},
                         {"model", identity_json(place.model.base())},
                         {"edits", entries_json(made, place.model, imported)}};
  return context.answer(document, text_of(made, imported, context.style()));
}

}  // namespace

std::vector<Command> import_commands() {
  Command command;
  command.name = "import";
  command.summary = "make an edit of an adapter or of an edited checkpoint";
  command.takes = kModel | kStore;
  command.arguments = {
      text("path", "DIR", "directory of the adapter; hf: of the edited checkpoint").required()};
  command.options = {
      text("from", "FORM",
           "peft: LoRA adapter of the PEFT library; hf: an edited checkpoint, of which the "
           "difference to --model is taken")
          .required()
          .one_of({"peft", "hf"}),
      text("name", "N", "kept with the edit").otherwise_said("the directory's name"),
      text("note", "TEXT", "kept with the commit"),
      flag("compact",
           "hf: keep a change of low rank as such also where mounting it gives the edited weight "
           "back but for the last bits of some elements; else such a change is kept whole"),
      flag("allow-conflict",
           "commit what gives a live edit's subject and relation (or prompt) another target"),
      flag("dry-run", "read and check all, commit nothing")};
  command.description =
      "The edit is committed like those of kedit edit and can be mounted, reverted, merged and "
      "exported like them. Of a checkpoint the difference of each weight is kept as a product of "
      "low rank where it is one and gives the weight back to the bit (--compact: nearly), else "
      "whole. "
      "Requests that "
      "kedit export wrote down come along. What an edit cannot hold (DoRA, modules saved whole, "
      "changed norms or embeddings) is refused by name.";
  command.example = "kedit import --from peft adapter --name medical --store kedit.db";
  command.stops_gently = true;
  command.run = run_import;
  return {command};
}

}  // namespace kedit::cli
