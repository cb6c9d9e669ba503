#include "apps/command.hpp"
#include "apps/process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
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

LoadOptions load_options(const Values& values) {
  LoadOptions options;
  options.device = values.text("device");
  options.dtype = values.text("dtype");
  options.allow_nonfinite = values.flag("allow-nonfinite");
  if (!is_device_name(options.device)) {
    throw UsageError(
        fmt::format("--device: expected auto, cpu, cuda or cuda:N, found '{}'", options.device));
  }
  return options;
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

void mount_one(EditedModel* model, const Store& store, const std::string& id) {
  auto delta = store.find(id);
  if (!delta) {
    throw StoreError(StoreError::Kind::corrupt,
                     fmt::format("reading {}: edit {}: expected its content, found none; run "
                                 "'kedit store verify'",
                                 store.path().string(), id));
  }
  model->mount(id, *std::move(delta));
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

fs::path Context::model_directory() const {
  if (options.given("model")) return options.path("model");
  const char* chosen = std::getenv("KEDIT_MODEL");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  const auto lab = lab_directory();
  std::error_code error;
  if (lab && fs::is_directory(*lab / "model", error)) return *lab / "model";
  throw InputError(
      "choosing a model: expected --model DIR, $KEDIT_MODEL or the lab model, found none; give "
      "--model");
}

std::shared_ptr<const Model> Context::load_model() {
  LoadOptions load = load_options(options);
  load.warn = [this](const std::string& sentence) { warn(sentence); };
  return Model::load(model_directory(), load);
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
  for (const std::string& id : split_ids(ids)) mount_one(model, store, store.resolve(id));
}

void Context::mount_branch(EditedModel* model, const Store& store, const std::string& name) {
  const auto live = store.live(name, model->base().fingerprint());
  for (const std::string& id : live) mount_one(model, store, id);
  const auto log = store.log(name);
  const auto others = std::count_if(log.begin(), log.end(), [&](const EditRecord& record) {
    return record.reverted_by.empty() && record.model != model->base().fingerprint();
  });
  if (others > 0) {
    warn(fmt::format("{} live edits on branch {} are for another model and were not mounted",
                     others, name));
  }
}

fs::path Context::store_path() const { return options.path("store"); }

Store Context::open_store(OpenMode mode) { return Store::open(store_path(), mode); }

}  // namespace kedit::cli
