#include "editors/locate/settings_layers.hpp"

#include "editors/setting_infos.hpp"
#include "editors/shipped_settings.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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

/// What ships with a lab model for an editor: what the object named "rome" says of keys that the
/// editor has as well, and over it the editor's own object.
Json settings_beside(const Model& model, std::string_view editor) {
  const std::optional<fs::path> file = lab_file(model);
  if (!file) return Json::object();
  const Json lab = read_json(*file);
  const JsonView view(lab, file->string());
  Json values = Json::object();
  const auto take = [&](const JsonView& object) {
    for (const std::string& key : setting_keys(editor)) {
      if (object.has(key)) values[key] = object.at(std::string_view(key)).value();
    }
  };
  if (view.has("context_templates")) {
    const Json templates = {{"context_templates", view.at("context_templates").strings()}};
    take(JsonView(templates, file->string()));
  }
  for (const std::string_view name : {std::string_view("rome"), editor}) {
    if (!view.has(name)) continue;
    if (!view.at(name).value().is_object()) view.at(name).fail("an object of settings");
    take(view.at(name));
  }
  return EditorSettings{std::move(values), file->parent_path(), false}.anchored();
}

const ShippedSettings* published_settings(std::string_view editor, const Json& own,
                                          const Architecture& architecture) {
  if (!own.contains("shipped_settings")) return shipped_settings_for(editor, architecture);
  const JsonView view(own, "editor settings");
  const ShippedSettings& named =
      find_shipped_settings(editor, view.at("shipped_settings").string());
  if (named.fits(architecture)) return &named;
  throw SettingsError(fmt::format(
      "choosing the settings of {}: expected settings for a {} model of {} layers of {}, found {} "
      "for {} of {} layers of {}; leave --settings out, or write a file of your own",
      editor, architecture.family, architecture.layers, architecture.hidden, named.name,
      named.family, named.layers, named.hidden));
}

}  // namespace

void forget_directories(Json& values) {
  const auto name_of = [](Json& file) {
    if (file.is_string()) file = fs::path(file.get<std::string>()).filename().string();
  };
  for (const char* key : {"mom2_dataset", "stats_dir"}) {
    if (values.contains(key)) name_of(values[key]);
  }
  values.erase("stats");
  if (!values.contains("second_moment")) return;
  for (auto& [layer, file] : values["second_moment"].items()) name_of(file);
}

Json layered_settings(std::string_view editor, const EditorSettings& user, const Model& model) {
  const Json own = user.anchored();
  Json values = default_settings(editor);
  if (const ShippedSettings* published = published_settings(editor, own, model.architecture())) {
    merge(values, published->values);
    values["shipped_settings"] = published->name;
  }
  merge(values, settings_beside(model, editor));
  for (const std::string& key : setting_keys(editor)) {
    if (own.contains(key) && !own[key].is_null()) values[key] = own[key];
  }
  return values;
}

}  // namespace kedit::locate
