#pragma once

#include "editors/editor.hpp"

#include <string_view>
#include <vector>

namespace kedit {

/// The settings of an editor in the order in which they are explained, as
/// editors/settings/settings.json describes them. Empty for an editor without settings.
const std::vector<SettingInfo>& setting_infos(std::string_view editor);

/// Their defaults as an object; settings without one are left out.
Json default_settings(std::string_view editor);

/// The keys alone.
std::vector<std::string> setting_keys(std::string_view editor);

}  // namespace kedit
