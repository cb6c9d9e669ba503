#pragma once

#include "editors/locate/rome.hpp"

namespace kedit::locate {

/// R-ROME: "Rebuilding ROME: Resolving Model Collapse during Sequential Model Editing" (Gupta et
/// al., 2024), as its program and EasyEdit compute it. ROME selects by a key averaged over contexts
/// and solves with the bare prompt's, and where the two part its edits explode; R-ROME takes the
/// same key for both.
class RRomeEditor final : public RomeEditor {
 public:
  explicit RRomeEditor(EditorSettings settings) : RomeEditor("r-rome", std::move(settings)) {}

 protected:
  void check_own_settings(const SettingsReader& reader) const override;
  Insertion insertion(const SubjectKeys& found, const LocateSettings& settings) const override;
};

}  // namespace kedit::locate
