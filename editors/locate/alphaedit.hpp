#pragma once

#include "editors/locate/batch_editor.hpp"

#include <utility>

namespace kedit::locate {

/// "AlphaEdit: Null-Space Constrained Knowledge Editing for Language Models" (Fang et al., 2025),
/// as its program computes it. The keys of earlier batches stay with their edits
/// (`EditDelta::state`): a batch respects those that are mounted, and an edit that is reverted
/// takes its keys with it.
class AlphaEditEditor final : public BatchEditor {
 public:
  explicit AlphaEditEditor(EditorSettings settings)
      : BatchEditor("alphaedit", std::move(settings)) {}

 protected:
  void check_own_settings(const SettingsReader& reader) const override;
  void prepare_statistics(const Prepared& prepared, const EditedModel& model,
                          const RunContext& run) const override;
  double passes_afterwards() const override { return 1.0; }
  void change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                     const std::vector<EditRequest>& requests, const BatchTargets& targets,
                     const RunContext& run) const override;

 private:
  const NullSpace& null_space(const Prepared& prepared, const EditedModel& model,
                              std::int64_t layer, const RunContext& run) const;
};

}  // namespace kedit::locate
