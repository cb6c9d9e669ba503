#pragma once

#include "editors/locate/batch_targets.hpp"
#include "editors/locate/located_editor.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kedit::locate {

/// What MEMIT and AlphaEdit have in common: all requests of a call are one batch and one delta, the
/// values of which are found together, and which several layers share.
class BatchEditor : public LocatedEditor {
 public:
  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext& run) const override;
  /// A batch of one for each request; their values are found together.
  std::vector<EditDelta> edit_each(const EditedModel& model,
                                   const std::vector<EditRequest>& requests,
                                   const RunContext& run) const override;

  std::vector<PhaseCost> cost(const EditedModel& model,
                              const std::vector<EditRequest>& requests) const override;

 protected:
  using LocatedEditor::LocatedEditor;

  /// Passes of the key texts through the layers up to the last one, beside those before an update.
  virtual double passes_afterwards() const { return 0.0; }
  /// Requests that share a value do so by their subject (MEMIT-Merge).
  virtual bool merges_subjects(const LocateSettings&) const { return false; }
  /// Rows x_i [n, m] of a layer's change R^T X^T for these keys [n, m].
  using Directions = std::function<at::Tensor(std::int64_t layer, const at::Tensor& keys)>;
  /// MEMIT, section 4.3: the layers, from the lowest up, share what is left of the way from the
  /// block output h of the last one to the wanted z; both keys and h are read again before each
  /// change.
  void share_among_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                          const std::vector<EditRequest>& requests, const BatchTargets& targets,
                          const Directions& directions, const RunContext& run) const;

  /// Changes the layers of `edit` so that the batch's outputs at the last one become `targets`.
  virtual void change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                             const std::vector<EditRequest>& requests, const BatchTargets& targets,
                             const RunContext& run) const = 0;

 private:
  BatchTargets targets_of(const Prepared& prepared, const EditedModel& model,
                          const std::vector<EditRequest>& requests, const RunContext& run) const;
  EditDelta edit_batch(const Prepared& prepared, const EditedModel& model,
                       const std::vector<EditRequest>& requests, const BatchTargets& targets,
                       const std::map<std::string, double>& seconds, const RunContext& run) const;
};

}  // namespace kedit::locate
