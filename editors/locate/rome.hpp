#pragma once

#include "editors/editor.hpp"
#include "editors/locate/closed_form.hpp"
#include "editors/locate/rome_settings.hpp"

#include <memory>
#include <mutex>

namespace kedit::locate {

/// Rank-one model editing: "Locating and Editing Factual Associations in GPT" (Meng et al., 2022),
/// as its program computes it. One delta per request, each on the model with the earlier ones
/// mounted; with several layers, ascending, each with the lower ones applied.
class RomeEditor : public Editor {
 public:
  /// Throws `EditError` for unknown settings (nearest name) at once; values are checked against the
  /// model at the first edit.
  explicit RomeEditor(EditorSettings settings);
  ~RomeEditor() override;

  std::string_view name() const noexcept override { return "rome"; }
  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext& run) const override;
  Json settings_for(const Model& model) const override;

 private:
  struct Prepared;  // what all edits of one model share: typed settings, templates, moment factors
  std::shared_ptr<const Prepared> prepare(const EditedModel& model, const RunContext& run) const;

  EditorSettings settings_;
  std::vector<std::string> ignored_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Prepared> prepared_;
};

}  // namespace kedit::locate
