#include "apps/command.hpp"
#include "apps/process.hpp"
#include "edits/delta.hpp"
#include "model/cache_directory.hpp"
#include "model/catalogue.hpp"
#include "model/device.hpp"
#include "model/rebuild.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>
#include <utility>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;

bool is_device_name(std::string_view name) {
  if (name == "auto" || name == "cpu" || name == "cuda") return true;
  if (name.rfind("cuda:", 0) != 0 || name.size() == 5 || name.size() > 8) return false;
  return std::all_of(name.begin() + 5, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string environment_model() {
  const char* chosen = std::getenv("KEDIT_MODEL");
  return chosen == nullptr ? std::string() : std::string(chosen);
}

std::vector<std::string> split_ids(const std::string& text) {
  std::vector<std::string> ids;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin) {
      throw UsageError(fmt::format("--edits: expected edit ids with commas, found '{}'", text));
    }
    ids.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return ids;
}

// "1a2b3c4d5e6f (gpt2, path/to/model)", as far as the store knows the model.
std::string shown_model(const Store& store, const std::string& fingerprint) {
  const auto known = store.model(fingerprint);
  if (!known) return fingerprint.substr(0, 12);
  return fmt::format("{:.12} ({}{}{})", fingerprint, known->family, known->path.empty() ? "" : ", ",
                     known->path);
}

[[noreturn]] void refuse_other_model(const EditedModel& model, const Store& store,
                                     const EditRecord& record, std::size_t more) {
  throw StoreError(
      StoreError::Kind::conflict,
      fmt::format("mounting edit {} of {}: expected one for this model, {:.12}, found one made for "
                  "model {}{}; give that model, or name the edits to mount with --edits",
                  record.id, store.path().string(), model.base().fingerprint(),
                  shown_model(store, record.model),
                  more == 0 ? "" : fmt::format(" (and {} more)", more)));
}

EditDelta stored_delta(const Store& store, const std::string& id) try {
  auto delta = store.find(id);
  if (delta) return *std::move(delta);
  throw StoreError(StoreError::Kind::corrupt,
                   fmt::format("reading {}: edit {}: expected its content, found none; run "
                               "'kedit store verify'",
                               store.path().string(), id));
} catch (const DeltaError& error) {
  throw StoreError(StoreError::Kind::corrupt,
                   fmt::format("reading {}: edit {}: {}; run 'kedit store verify'",
                               store.path().string(), id, error.what()));
}

// All or none. What the store holds for this very model and does not fit it is damaged.
void mount_all(EditedModel* model, const Store& store, const std::vector<std::string>& ids) {
  std::vector<std::pair<EditId, EditDelta>> edits;
  for (const std::string& id : ids) edits.emplace_back(id, stored_delta(store, id));
  try {
    model->mount(std::move(edits));
  } catch (const ModelError& error) {
    throw StoreError(StoreError::Kind::corrupt,
                     fmt::format("reading {}: {}", store.path().string(), error.what()));
  }
}

// "2 edits of in-context and 1 edit of mello"
std::string shown_counts(const std::map<std::string, std::int64_t>& edits_by_editor) {
  std::vector<std::string> parts;
  for (const auto& [editor, count] : edits_by_editor) {
    parts.push_back(fmt::format("{} live {} of {}", count, count == 1 ? "edit" : "edits", editor));
  }
  return fmt::format("{}", fmt::join(parts, " and "));
}

}  // namespace

std::optional<fs::path> lab_directory() {
  const fs::path here = executable_directory();
  for (const char* candidate : {"../assets/lab", "../../assets/lab", "../share/kedit/lab"}) {
    std::error_code error;
    const fs::path lab = fs::weakly_canonical(here / candidate, error);
    if (!error && fs::is_directory(lab, error)) return lab;
  }
  return std::nullopt;
}

bool Context::model_is_chosen() const {
  return options.given("model") || !environment_model().empty();
}

fs::path Context::model_path() const {
  if (options.given("model")) return catalogue::resolve(options.text("model"));
  if (model_is_chosen()) return catalogue::resolve(environment_model());
  const auto lab = lab_directory();
  std::error_code error;
  if (lab && fs::is_directory(*lab / "model", error)) return *lab / "model";
  throw InputError(
      "choosing a model: expected --model, $KEDIT_MODEL or the lab model, found none; give "
      "--model");
}

LoadOptions Context::load_options() {
  LoadOptions load;
  load.device = options.text("device");
  load.dtype = options.text("dtype");
  load.allow_nonfinite = options.flag("allow-nonfinite");
  load.warn = [this](const std::string& sentence) { warn(sentence); };
  load.cache = own_cache_directory().value_or(fs::path());
  load.verify = options.flag("verify-model");
  allow_tf32(options.flag("allow-tf32"));
  if (!is_device_name(load.device)) {
    throw UsageError(
        fmt::format("--device: expected auto, cpu, cuda or cuda:N, found '{}'", load.device));
  }
  return load;
}

std::shared_ptr<const Model> Context::load_model() {
  auto model = Model::load(model_path(), load_options());
  if (const std::string missing = missing_kernels(model->weights().token_embedding.device());
      !missing.empty()) {
    warn(
        fmt::format("edits are mounted with LibTorch's operations, several times slower than with "
                    "kedit's CUDA kernels: {}",
                    missing));
  }
  return model;
}

EditedModel Context::load_edited_model() {
  if (!options.given("store") && (options.given("edits") || options.given("branch"))) {
    throw UsageError("--store: expected the file that holds the edits, found none");
  }
  if (options.given("edits") && options.given("branch")) {
    throw UsageError("--edits: expected either --edits or --branch, found both");
  }
  EditedModel model(load_model());
  if (!options.given("store")) return model;
  const Store store = Store::open(options.path("store"), OpenMode::read_only);
  if (options.given("edits")) {
    mount_edits(&model, store, options.text("edits"));
  } else {
    mount_branch(&model, store, branch(store));
  }
  return model;
}

std::string Context::branch(const Store& store) const {
  return options.given("branch") ? options.text("branch") : store.current_branch();
}

void Context::mount_edits(EditedModel* model, const Store& store, const std::string& ids) {
  std::vector<std::string> full;
  for (const std::string& id : split_ids(ids)) {
    full.push_back(store.resolve(id));
    if (std::count(full.begin(), full.end(), full.back()) > 1) {
      throw UsageError(fmt::format("--edits: expected each edit once, found {} twice", id));
    }
    const auto record = store.record(full.back());
    if (record && record->model != model->base().fingerprint()) {
      refuse_other_model(*model, store, *record, 0);
    }
  }
  mount_all(model, store, full);
}

void Context::mount_branch(EditedModel* model, const Store& store, const std::string& name,
                           OtherModels others) {
  std::vector<EditRecord> foreign;
  for (const EditRecord& record : store.log(name)) {
    const bool other = record.model != model->base().fingerprint();
    if (record.reverted_by.empty() && other) foreign.push_back(record);
  }
  if (!foreign.empty() && others == OtherModels::refused) {
    refuse_other_model(*model, store, foreign.front(), foreign.size() - 1);
  }
  if (!foreign.empty()) {
    warn(fmt::format("{} live edits on branch {} are for another model and were not mounted",
                     foreign.size(), name));
  }
  mount_all(model, store, store.live(name, model->base().fingerprint()));
}

void Context::note_facts(const EditedModel& model) {
  std::map<std::string, std::int64_t> edits_by_editor;
  for (const auto& delta : model.deltas()) {
    if (!delta->facts.empty()) ++edits_by_editor[delta->editor];
  }
  if (edits_by_editor.empty()) return;
  note(
      fmt::format("note: {} remember facts and change no weights: they have no effect here, only "
                  "where kedit writes the prompts (kedit edit, kedit bench)",
                  shown_counts(edits_by_editor)));
}

Json identity_json(const Model& model) {
  Json identity = {{"fingerprint", model.fingerprint()},
                   {"dtype", model.dtype()},
                   {"stored_dtype", model.stored_dtype()}};
  const c10::Device device = model.weights().token_embedding.device();
  if (device.is_cuda()) {
    identity["device"] = device.str();
    identity["tf32"] = tf32_allowed();
  }
  return identity;
}

fs::path Context::store_path() const { return options.path("store"); }

Store Context::open_store(OpenMode mode) { return Store::open(store_path(), mode); }

}  // namespace kedit::cli
