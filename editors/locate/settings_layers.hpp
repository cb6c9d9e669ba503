#pragma once

#include "editors/editor.hpp"
#include "model/model.hpp"

#include <string_view>

namespace kedit::locate {

/// The settings of an editor for a model, each layer over the one before: the editor's defaults;
/// the shipped settings that the user names, else those for the model's family and size; what ships
/// with the model (lab.json in its directory or beside it, if it tells of this very model: the
/// object named like the editor, and "context_templates"); the user's values. Null values count as
/// not given. File names become relative to where they were written. "shipped_settings" names the
/// shipped ones that took part. Throws `SettingsError` for named settings that do not exist or are
/// for another model.
Json layered_settings(std::string_view editor, const EditorSettings& user, const Model& model);

/// `second_moment`, `mom2_dataset` and `stats_dir` without their directories, and without `stats`:
/// what is kept with an edit says nothing about the machine, nor about when statistics were made.
void forget_directories(Json& values);

}  // namespace kedit::locate
