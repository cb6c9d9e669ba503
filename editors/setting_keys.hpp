#pragma once

#include "json/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// Every key that a settings file of the reference programs (ROME, MEMIT, AlphaEdit, EasyEdit, TOP)
/// may hold, whichever editor it was written for, in alphabetical order.
const std::vector<std::string>& reference_setting_keys();

/// Checks the keys of `values` for an editor that understands `applicable`. Returns those that
/// other programs or editors know but this one does not use, for one warning. Throws
/// `SettingsError` for a key that nobody knows, with the nearest known one.
std::vector<std::string> ignored_settings(std::string_view editor, const Json& values,
                                          const std::vector<std::string>& applicable);

}  // namespace kedit
