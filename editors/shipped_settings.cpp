#include "editors/shipped_settings.hpp"

#include "editors/editor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit {

namespace assets {
extern const std::string_view shipped_settings_files;  // {"EDITOR/NAME": file, ...}
}

namespace {

using ShippedTable = std::map<std::string, std::vector<ShippedSettings>, std::less<>>;

ShippedSettings read_shipped(const std::string& path, const JsonView& file) {
  ShippedSettings shipped;
  shipped.editor = path.substr(0, path.find('/'));
  const JsonView model = file.at("model");
  shipped.name = model.at("name").string();
  shipped.family = model.at("family").string();
  shipped.layers = model.at("layers").integer();
  shipped.hidden = model.at("hidden").integer();
  shipped.intermediate = model.at("intermediate").integer();
  for (const std::string& key : file.at("origin").keys()) {
    shipped.origins[key] = file.at("origin").at(std::string_view(key)).string();
  }
  shipped.values = file.at("settings").value();
  return shipped;
}

const ShippedTable& shipped_table() {
  static const ShippedTable known = [] {
    const Json json =
        parse_json(std::string(assets::shipped_settings_files), "the shipped settings");
    const JsonView view(json, "the shipped settings");
    ShippedTable made;
    for (const std::string& path : view.keys()) {
      ShippedSettings shipped = read_shipped(path, view.at(std::string_view(path)));
      made[shipped.editor].push_back(std::move(shipped));
    }
    return made;
  }();
  return known;
}

}  // namespace

bool ShippedSettings::fits(const Architecture& architecture) const {
  return architecture.family == family && architecture.layers == layers &&
         architecture.hidden == hidden && architecture.intermediate == intermediate;
}

const std::string& ShippedSettings::origin(const std::string& key) const {
  const auto own = origins.find(key);
  return own == origins.end() ? origins.at("*") : own->second;
}

const std::vector<ShippedSettings>& shipped_settings(std::string_view editor) {
  static const std::vector<ShippedSettings> kNone;
  const auto found = shipped_table().find(editor);
  return found == shipped_table().end() ? kNone : found->second;
}

const ShippedSettings& find_shipped_settings(std::string_view editor, std::string_view name) {
  std::vector<std::string> names;
  for (const ShippedSettings& shipped : shipped_settings(editor)) {
    if (shipped.name == name) return shipped;
    names.push_back(shipped.name);
  }
  throw SettingsError(fmt::format("choosing the settings of {}: expected {}, found \"{}\"", editor,
                                  names.empty()
                                      ? "a file, as none come with kedit"
                                      : fmt::format("a file or one of {}", fmt::join(names, ", ")),
                                  name));
}

const ShippedSettings* shipped_settings_for(std::string_view editor,
                                            const Architecture& architecture) {
  for (const ShippedSettings& shipped : shipped_settings(editor)) {
    if (shipped.fits(architecture)) return &shipped;
  }
  return nullptr;
}

}  // namespace kedit
