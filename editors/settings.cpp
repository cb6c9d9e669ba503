#include "editors/editor.hpp"
#include "editors/flat_yaml.hpp"
#include "editors/shipped_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

bool is_yaml(const std::filesystem::path& file) {
  return file.extension() == ".yaml" || file.extension() == ".yml";
}

}  // namespace

EditorSettings EditorSettings::read(const std::filesystem::path& file) {
  EditorSettings settings;
  settings.values =
      is_yaml(file) ? parse_flat_yaml(read_text_file(file), file.string()) : read_json(file);
  if (!settings.values.is_object()) {
    throw JsonError(fmt::format("reading {}: expected an object of settings, found {}",
                                file.string(), settings.values.type_name()));
  }
  settings.directory = file.parent_path();
  return settings;
}

EditorSettings EditorSettings::find(std::string_view editor, const std::string& name,
                                    const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / name;
  std::error_code absent;
  const bool names_no_file = name.find_first_of("./\\") == std::string::npos;
  if (!names_no_file || std::filesystem::exists(file, absent)) return read(file);
  find_shipped_settings(editor, name);
  EditorSettings settings;
  settings.values["shipped_settings"] = name;
  return settings;
}

Json EditorSettings::anchored() const {
  Json anchored = values;
  if (directory.empty()) return anchored;
  const auto beside = [this](const std::string& name) { return (directory / name).string(); };
  if (anchored.contains("second_moment") && anchored["second_moment"].is_object()) {
    for (auto& [layer, file] : anchored["second_moment"].items()) {
      if (file.is_string()) file = beside(file.get<std::string>());
    }
  }
  if (anchored.contains("stats_dir") && anchored["stats_dir"].is_string()) {
    anchored["stats_dir"] = beside(anchored["stats_dir"].get<std::string>());
  }
  if (anchored.contains("mom2_dataset") && anchored["mom2_dataset"].is_string()) {
    const std::string name = anchored["mom2_dataset"];
    std::error_code absent;
    if (!name.empty() && std::filesystem::exists(beside(name), absent)) {
      anchored["mom2_dataset"] = beside(name);
    }
  }
  return anchored;
}

PhaseCost operator+(const PhaseCost& first, const PhaseCost& second) {
  return {first.name, first.flops + second.flops, first.double_flops + second.double_flops,
          std::max(first.peak_bytes, second.peak_bytes)};
}

std::vector<EditDelta> Editor::edit_each(const EditedModel& model,
                                         const std::vector<EditRequest>& requests,
                                         const RunContext& run) const {
  std::vector<EditDelta> deltas;
  for (const EditRequest& request : requests) {
    for (EditDelta& delta : edit(model, {request}, run)) deltas.push_back(std::move(delta));
  }
  return deltas;
}

void EditorSettings::set(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw SettingsError(fmt::format(
        "reading the setting \"{}\": expected key=value; for example v_lr=0.5", assignment));
  }
  const std::string text = assignment.substr(equals + 1);
  const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  values[assignment.substr(0, equals)] = value.is_discarded() ? Json(text) : value;
}

}  // namespace kedit
