#include "editors/shipped_settings.hpp"

namespace kedit {

namespace assets {
extern const std::string_view shipped_settings;  // {"EDITOR/NAME": file, ...}
}

namespace {

using Table = std::map<std::string, std::vector<ShippedSettings>, std::less<>>;

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

const Table& table() {
  static const Table known = [] {
    const Json json = parse_json(std::string(assets::shipped_settings), "the shipped settings");
    const JsonView view(json, "the shipped settings");
    Table made;
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
  const auto found = table().find(editor);
  return found == table().end() ? kNone : found->second;
}

const ShippedSettings* find_shipped_settings(std::string_view editor, std::string_view name) {
  for (const ShippedSettings& shipped : shipped_settings(editor)) {
    if (shipped.name == name) return &shipped;
  }
  return nullptr;
}

const ShippedSettings* shipped_settings_for(std::string_view editor,
                                            const Architecture& architecture) {
  for (const ShippedSettings& shipped : shipped_settings(editor)) {
    if (shipped.fits(architecture)) return &shipped;
  }
  return nullptr;
}

}  // namespace kedit
