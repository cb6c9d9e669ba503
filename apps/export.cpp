// kedit export: the edits carried out of the tool, as an adapter or as the whole model.
#include "apps/commands.hpp"
#include "apps/stored_model.hpp"
#include "model/adapters/edits_file.hpp"
#include "model/adapters/gguf_lora.hpp"
#include "model/adapters/lora.hpp"
#include "model/adapters/peft.hpp"
#include "model/checkpoint/export_model.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

EditedModel model_to_export(Context& context) {
  const Values& options = context.options;
  if (options.given("edits") && options.given("branch")) {
    throw UsageError("--edits: expected either --edits or --branch, found both");
  }
  const Store store = context.open_store(OpenMode::read_only);
  EditedModel model(load_as_stored(context, context.model_path()));
  if (options.given("edits")) {
    context.mount_edits(&model, store, options.text("edits"));
    return model;
  }
  const std::string branch = context.branch(store);
  context.mount_branch(&model, store, branch);
  if (model.mounted().empty()) {
    throw InputError(
        fmt::format("exporting the edits of {}: branch {}: expected live edits, found none; make "
                    "some (kedit edit), or name others with --branch or --edits",
                    store.path().string(), branch));
  }
  return model;
}

// ---- The three forms ----------------------------------------------------------

/// What was written; `details` go into the document, `rows` into the table.
struct Exported {
  std::vector<std::string> files;
  Json details = Json::object();
  std::vector<std::vector<std::string>> rows;
};

Exported export_whole(Context& context, const EditedModel& model, const fs::path& out) {
  const std::string document = to_text(adapters::edits_document(model), 2) + "\n";
  Exported exported;
  exported.files =
      checkpoint::export_model(model, out, {{adapters::kEditsFile, document}}, context.run());
  const std::string fingerprint = model.fingerprint();
  exported.details["fingerprint"] = fingerprint;
  exported.rows = {{"fingerprint", fingerprint}};
  return exported;
}

void tell_of_reduced(Context& context, const adapters::Lora& lora, const EditedModel& model) {
  for (const std::string& weight : lora.reduced) {
    const at::IntArrayRef shape = model.base().weight(weight).sizes();
    context.note(fmt::format(
        "note: {}: the edits' ranks in sum are more than its {} x {} can have; their product was "
        "factored anew, exact but for rounding to float32",
        weight, shape[0], shape[1]));
  }
}

Exported export_adapter(Context& context, const EditedModel& model, const fs::path& out) {
  const adapters::Lora lora = adapters::lora_of(model);
  tell_of_reduced(context, lora, model);
  if (context.run().should_stop()) {
    throw Interrupted("exporting an adapter was interrupted; nothing was written");
  }
  Exported exported;
  if (context.options.text("to") == "peft") {
    const auto named = context.options.find("base-name");
    const std::string base = named ? *named : fs::weakly_canonical(model.base().path()).string();
    exported.files = adapters::write_peft(model, lora, base, out);
  } else {
    adapters::write_gguf_lora(model, lora, out);
    exported.files = {out.filename().string()};
  }
  Json weights = Json::array();
  for (const adapters::LoraPair& pair : lora.pairs) weights.push_back(pair.weight);
  exported.details = {{"rank", lora.rank}, {"weights", weights}, {"reduced", lora.reduced}};
  exported.rows = {{"rank", fmt::to_string(lora.rank)},
                   {"weights changed", fmt::to_string(lora.pairs.size())}};
  return exported;
}

int run_export(Context& context) {
  const std::string form = context.options.text("to");
  const fs::path out = context.options.path("out");
  if (context.options.given("base-name") && form != "peft") {
    throw UsageError(fmt::format("--base-name: expected --to peft, found {}", form));
  }
  const EditedModel model = model_to_export(context);
  adapters::refuse_facts(model);
  const Exported exported =
      form == "hf" ? export_whole(context, model, out) : export_adapter(context, model, out);
  Json document = {{"to", form},
                   {"out", out.string()},
                   {"edits", model.mounted()},
                   {"files", exported.files},
                   {"base", identity_json(model.base())}};
  document.update(exported.details);
  Table table({{"exported as"}, {form}});
  table.row({"to", out.string()});
  table.row({"edits", fmt::to_string(model.mounted().size())});
  for (const auto& row : exported.rows) table.row(row);
  for (std::size_t i = 0; i < exported.files.size(); ++i) {
    table.row({i == 0 ? "files" : "", exported.files[i]});
  }
  return context.answer(document, table.text(context.style()));
}

}  // namespace

std::vector<Command> export_commands() {
  Command command;
  command.name = "export";
  command.summary = "carry edits out of the tool: an adapter, or the whole edited model";
  command.takes = kStore;
  command.options = {
      text(
          "to", "FORM",
          "peft: LoRA adapter of the PEFT library; gguf-lora: adapter for llama.cpp; hf: the whole "
          "model as a Hugging Face directory")
          .required()
          .one_of({"peft", "hf", "gguf-lora"}),
      text("out", "PATH", "directory to make (gguf-lora: file); it must not exist").required(),
      text("edits", "IDS", "exactly these edits, with commas, in place of a branch"),
      text("model", "MODEL", "the model that the edits were made for, in any form that kedit reads")
          .otherwise_said("$KEDIT_MODEL, else the lab model"),
      text("base-name", "NAME", "what a peft adapter names as its base, as a name on a hub")
          .otherwise_said("the model's path"),
      flag("allow-nonfinite", "accept weights that are infinite or not a number")};
  command.description =
      "What is live on the branch, or what --edits names. An adapter holds the sum of the edits of "
      "each weight as one product, its scale is 1. Edits that it cannot hold (a bias, a change of "
      "full rank) are named; the whole model (hf) holds them: untouched weights, types, shards, "
      "configuration and tokenizer stay as they are. The edits' ids and requests go along in "
      "kedit_edits.json (gguf-lora: in keys of the file). PATH is whole or not there.";
  command.example = "kedit export --to peft --out adapter --store kedit.db --branch main";
  command.stops_gently = true;
  command.run = run_export;
  return {command};
}

}  // namespace kedit::cli
