#pragma once

#include "editors/editor.hpp"
#include "model/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kedit::locate {

/// The settings of an editor for a model, each layer over the one before: `defaults`; what ships
/// with the model (lab.json in its directory or beside it, if it tells of this very model: the
/// object named like the editor, and "context_templates"); of the user's values those under `keys`.
/// Null values count as not given. File names become relative to where they were written.
Json layered_settings(std::string_view editor, Json defaults, const std::vector<std::string>& keys,
                      const EditorSettings& user, const Model& model);

/// `second_moment` and `mom2_dataset` without their directories: what is kept with an edit says
/// nothing about the machine.
void forget_directories(Json& values);

}  // namespace kedit::locate
