#include "editors/locate/alphaedit.hpp"

#include <ATen/ATen.h>

namespace kedit::locate {
namespace {

/// Keys [q, m] that earlier AlphaEdit edits left at a weight; undefined without any.
at::Tensor earlier_keys(const EditedModel& model, const std::string& weight) {
  std::vector<at::Tensor> found;
  for (const auto& delta : model.deltas()) {
    if (delta->editor != "alphaedit") continue;
    for (const StateTensor& kept : delta->state) {
      if (kept.name == weight) found.push_back(kept.tensor);
    }
  }
  return found.empty() ? at::Tensor() : at::cat(found);
}

}  // namespace

void AlphaEditEditor::check_own_settings(const SettingsReader& reader) const {
  reader.number("nullspace_threshold", 0.0);
  if (!reader.boolean("mom2_adjustment")) {
    reader.at("mom2_adjustment").fail("true, since the null space is that of the second moment");
  }
  if (reader.number("L2", 0.0) == 0.0) reader.at("L2").fail("a number above 0");
}

const NullSpace& AlphaEditEditor::null_space(const Prepared& prepared, const EditedModel& model,
                                             std::int64_t layer, const RunContext& run) const {
  const LocateSettings& settings = prepared.settings;
  return prepared.null_spaces.at(layer, [&] {
    const double threshold = SettingsReader(settings.resolved).number("nullspace_threshold", 0.0);
    return null_space_of(model.base(), layer, settings.moment, threshold, run);
  });
}

void AlphaEditEditor::prepare_statistics(const Prepared& prepared, const EditedModel& model,
                                         const RunContext& run) const {
  for (const std::int64_t layer : prepared.settings.layers) {
    null_space(prepared, model, layer, run);
  }
}

// AlphaEdit, section 3: MEMIT's way through the layers, with each change projected onto the null
// space of the keys C that the layer holds, and away from the keys of earlier batches.
void AlphaEditEditor::change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                                    const std::vector<EditRequest>& requests,
                                    const BatchTargets& targets, const RunContext& run) const {
  const LocateSettings& settings = prepared.settings;
  const double l2 = SettingsReader(settings.resolved).number("L2", 0.0);
  const EditedModel before = edit.model();
  const std::string& down = before.architecture().names.down;
  const auto projected = [&](std::int64_t layer, const at::Tensor& keys) {
    const at::Tensor earlier = earlier_keys(before, weight_name(down, layer));
    return null_space_directions(null_space(prepared, before, layer, run).basis, keys, earlier, l2);
  };
  share_among_layers(edit, prepared, requests, targets, projected, run);

  // What later batches must leave alone: the keys as the edited model has them.
  Stopwatch watch;
  run.enter("key");
  BatchReader after(edit.model(), requests, prepared.templates, settings.fact_token);
  for (const std::int64_t layer : settings.layers) {
    edit.add_state(weight_name(down, layer), after.keys(edit.model(), layer));
  }
  edit.add_seconds("key", watch.lap());
}

}  // namespace kedit::locate
