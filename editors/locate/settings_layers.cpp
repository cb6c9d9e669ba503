#include "editors/locate/settings_layers.hpp"

#include <filesystem>
#include <optional>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

void merge(Json& into, const Json& from) {
  for (const auto& [key, value] : from.items()) {
    if (!value.is_null()) into[key] = value;
  }
}

/// The lab.json in the model's directory or beside it, if it tells of this very model.
std::optional<fs::path> lab_file(const Model& model) {
  if (model.path().empty()) return std::nullopt;
  const fs::path directory = fs::absolute(model.path()).lexically_normal();
  for (const fs::path& file : {directory / "lab.json", directory.parent_path() / "lab.json"}) {
    std::error_code absent;
    if (!fs::is_regular_file(file, absent)) continue;
    const Json lab = read_json(file);
    const bool other =
        lab.is_object() && lab.contains("fingerprint") && lab["fingerprint"] != model.fingerprint();
    if (!other) return file;
  }
  return std::nullopt;
}

/// What ships with a lab model for an editor.
Json shipped_settings(const Model& model, std::string_view editor) {
  const std::optional<fs::path> file = lab_file(model);
  if (!file) return Json::object();
  const Json lab = read_json(*file);
  const JsonView view(lab, file->string());
  Json values = view.has(editor) ? view.at(editor).value() : Json::object();
  if (!values.is_object()) view.at(editor).fail("an object of settings");
  if (!values.contains("context_templates") && view.has("context_templates")) {
    values["context_templates"] = view.at("context_templates").strings();
  }
  return EditorSettings{std::move(values), file->parent_path()}.anchored();
}

}  // namespace

void forget_directories(Json& values) {
  const auto name_of = [](Json& file) {
    if (file.is_string()) file = fs::path(file.get<std::string>()).filename().string();
  };
  if (values.contains("mom2_dataset")) name_of(values["mom2_dataset"]);
  if (!values.contains("second_moment")) return;
  for (auto& [layer, file] : values["second_moment"].items()) name_of(file);
}

Json layered_settings(std::string_view editor, Json defaults, const std::vector<std::string>& keys,
                      const EditorSettings& user, const Model& model) {
  Json values = std::move(defaults);
  merge(values, shipped_settings(model, editor));
  const Json own = user.anchored();
  for (const std::string& key : keys) {
    if (own.contains(key) && !own[key].is_null()) values[key] = own[key];
  }
  return values;
}

}  // namespace kedit::locate
