#pragma once

#include "json/json.hpp"
#include "model/decoder/architecture.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// Published settings of an editor for one model, as they come with kedit
/// (editors/settings/EDITOR/MODEL.json).
struct ShippedSettings {
  std::string editor;
  std::string name;  ///< "gpt2-xl"
  std::string family;
  std::int64_t layers = 0, hidden = 0, intermediate = 0;  ///< of the model they were made for
  std::map<std::string, std::string> origins;             ///< by key; "*" for the others
  Json values;

  bool fits(const Architecture& architecture) const;
  const std::string& origin(const std::string& key) const;
};

/// All that come with an editor, by name.
const std::vector<ShippedSettings>& shipped_settings(std::string_view editor);
/// Throws `SettingsError` naming those that there are when there are none of this name.
const ShippedSettings& find_shipped_settings(std::string_view editor, std::string_view name);
/// Those for the model's family and size; null when there are none.
const ShippedSettings* shipped_settings_for(std::string_view editor,
                                            const Architecture& architecture);

}  // namespace kedit
