#include "editors/setting_infos.hpp"

#include <map>
#include <stdexcept>

namespace kedit {

namespace assets {
extern const std::string_view editor_settings;
}

namespace {

using SettingTable = std::map<std::string, std::vector<SettingInfo>, std::less<>>;

SettingInfo info_of(const JsonView& described) {
  return {described.at("key").string(), described.at("unit").string(),
          described.at("origin").string(), described.at("effect").string(),
          described.at("default").value()};
}

bool names(const JsonView& list, const std::string& key) {
  for (const std::string& one : list.strings()) {
    if (one == key) return true;
  }
  return false;
}

std::vector<SettingInfo> settings_of(const JsonView& groups, const JsonView& editor) {
  std::vector<SettingInfo> infos;
  const JsonView changed = editor.at("defaults");
  for (const std::string& group : editor.at("groups").strings()) {
    const JsonView list = groups.at(std::string_view(group));
    for (std::size_t i = 0; i < list.size(); ++i) {
      SettingInfo info = info_of(list.at(i));
      if (editor.has("drop") && names(editor.at("drop"), info.key)) continue;
      if (changed.has(std::string_view(info.key))) {
        const JsonView own = changed.at(std::string_view(info.key));  // [default, origin]
        info.fallback = own.at(std::size_t{0}).value();
        info.origin = own.at(std::size_t{1}).string();
      }
      infos.push_back(std::move(info));
    }
  }
  return infos;
}

const SettingTable& setting_table() {
  static const SettingTable known = [] {
    const Json json = parse_json(std::string(assets::editor_settings), "the built-in settings");
    const JsonView view(json, "the built-in settings");
    SettingTable made;
    for (const std::string& editor : view.at("editors").keys()) {
      made[editor] =
          settings_of(view.at("groups"), view.at("editors").at(std::string_view(editor)));
    }
    return made;
  }();
  return known;
}

}  // namespace

const std::vector<SettingInfo>& setting_infos(std::string_view editor) {
  static const std::vector<SettingInfo> kNone;
  const auto found = setting_table().find(editor);
  return found == setting_table().end() ? kNone : found->second;
}

Json default_settings(std::string_view editor) {
  Json defaults = Json::object();
  for (const SettingInfo& info : setting_infos(editor)) {
    if (!info.fallback.is_null()) defaults[info.key] = info.fallback;
  }
  return defaults;
}

std::vector<std::string> setting_keys(std::string_view editor) {
  std::vector<std::string> keys;
  for (const SettingInfo& info : setting_infos(editor)) keys.push_back(info.key);
  return keys;
}

}  // namespace kedit
