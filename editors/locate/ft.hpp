#pragma once

#include "editors/editor.hpp"
#include "editors/locate/health.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// Fine-tuning of a layer's second MLP matrix (and its bias), free (FT) or with a bound on every
/// element's change (FT-L): the baseline of the ROME authors' program (`baselines/ft`), with what
/// it really does. It sees the bare prompt, without contexts and without the target, and scores all
/// tokens of the target at the prompt's one last position; a target of t different tokens cannot
/// get below ln t. All requests of a call are trained together and make one dense delta.
class FineTuningEditor final : public Editor {
 public:
  /// Throws `SettingsError` for unknown settings (nearest name) at once.
  explicit FineTuningEditor(EditorSettings settings);

  std::string_view name() const noexcept override { return "ft"; }
  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext& run) const override;
  Json settings_for(const Model& model) const override;

 private:
  EditorSettings settings_;
  std::vector<std::string> ignored_;
};

}  // namespace kedit::locate
