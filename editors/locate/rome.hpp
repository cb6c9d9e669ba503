#pragma once

#include "editors/locate/keys.hpp"
#include "editors/locate/located_editor.hpp"

#include <optional>

namespace kedit::locate {

/// Rank-one model editing: "Locating and Editing Factual Associations in GPT" (Meng et al., 2022),
/// as its program computes it. One delta per request, each on the model with the earlier ones
/// mounted; with several layers, ascending, each with the lower ones applied.
class RomeEditor : public LocatedEditor {
 public:
  explicit RomeEditor(EditorSettings settings) : RomeEditor("rome", std::move(settings)) {}

  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext& run) const override;
  /// The values of the lowest layer are optimised together.
  std::vector<EditDelta> edit_each(const EditedModel& model,
                                   const std::vector<EditRequest>& requests,
                                   const RunContext& run) const override;

  std::vector<PhaseCost> cost(const EditedModel& model,
                              const std::vector<EditRequest>& requests) const override;

 protected:
  RomeEditor(std::string name, EditorSettings settings)
      : LocatedEditor(std::move(name), std::move(settings)) {}

  /// What the insertion is solved with, each [m] or [d].
  struct Insertion {
    at::Tensor selector;  ///< kbar: u = C^-1 kbar
    at::Tensor key;       ///< k0, which shall be mapped to v*
    at::Tensor output;    ///< w0, what it is mapped to now
  };
  /// `found`: keys and outputs in each context, the bare prompt first. ROME selects by the averaged
  /// key and solves with the bare prompt's.
  virtual Insertion insertion(const SubjectKeys& found, const LocateSettings& settings) const;

 private:
  EditDelta edit_one(const Prepared& prepared, const EditedModel& model, const EditRequest& request,
                     std::optional<ValueResult> first_value, double context_seconds,
                     const RunContext& run) const;
  void edit_layer(EditDeltaBuilder& edit, std::int64_t layer, const EditRequest& request,
                  std::optional<ValueResult> value, const Prepared& prepared,
                  const RunContext& run) const;
};

}  // namespace kedit::locate
