#include "editors/locate/memit.hpp"

#include <ATen/ATen.h>

namespace kedit::locate {

void MemitEditor::check_own_settings(const SettingsReader& reader) const {
  reader.number("mom2_update_weight", 0.0);
  reader.boolean("merge_same_subject");
}

bool MemitEditor::merges_subjects(const LocateSettings& settings) const {
  return SettingsReader(settings.resolved).boolean("merge_same_subject");
}

// MEMIT, eq. 14: each layer changes by least squares over the keys C that it holds, weighted by
// lambda, and the new ones.
void MemitEditor::change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                                const std::vector<EditRequest>& requests,
                                const BatchTargets& targets, const RunContext& run) const {
  const double lambda =
      SettingsReader(prepared.settings.resolved).number("mom2_update_weight", 0.0);
  const auto least_squares = [&](std::int64_t layer, const at::Tensor& keys) {
    return least_squares_directions(factor(prepared, edit.model(), layer, run), keys, lambda);
  };
  share_among_layers(edit, prepared, requests, targets, least_squares, run);
}

}  // namespace kedit::locate
