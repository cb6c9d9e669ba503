#pragma once

#include "editors/locate/batch_editor.hpp"

#include <utility>

namespace kedit::locate {

/// "Mass-Editing Memory in a Transformer" (Meng et al., 2023), as its program computes it.
class MemitEditor final : public BatchEditor {
 public:
  explicit MemitEditor(EditorSettings settings) : BatchEditor("memit", std::move(settings)) {}

 protected:
  void check_own_settings(const SettingsReader& reader) const override;
  bool merges_subjects(const LocateSettings& settings) const override;
  void change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                     const std::vector<EditRequest>& requests, const BatchTargets& targets,
                     const RunContext& run) const override;
};

}  // namespace kedit::locate
