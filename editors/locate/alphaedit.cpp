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
  const SettingsReader own(settings.resolved);
  const double l2 = own.number("L2", 0.0);
  const Architecture& architecture = edit.model().architecture();
  const EditedModel before = edit.model();
  const std::int64_t last = settings.layers.back();
  BatchReader reader(before, requests, prepared.templates, settings.fact_token);
  at::Tensor z;
  std::int64_t left = std::ssize(settings.layers);
  for (const std::int64_t layer : settings.layers) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    Stopwatch watch;
    run.enter("key");
    const at::Tensor keys = reader.keys(edit.model(), layer);
    const at::Tensor h = reader.outputs(edit.model(), layer, last);
    if (!z.defined()) z = wanted_outputs(targets, h);
    const at::Tensor residuals = (z - h) / static_cast<double>(left--);
    edit.add_seconds("key", watch.lap());

    run.enter("solve");
    const NullSpace& free = null_space(prepared, before, layer, run);
    const at::Tensor earlier = earlier_keys(before, weight_name(architecture.names.down, layer));
    const at::Tensor directions = null_space_directions(free.basis, keys, earlier, l2);
    edit.add_update(mlp_update(architecture, layer, directions, residuals));
    edit.add_seconds("solve", watch.lap());
    run.report({"layers", std::ssize(settings.layers) - left, std::ssize(settings.layers), ""});
  }

  // What later batches must leave alone: the keys as the edited model has them.
  Stopwatch watch;
  run.enter("key");
  BatchReader after(edit.model(), requests, prepared.templates, settings.fact_token);
  for (const std::int64_t layer : settings.layers) {
    edit.add_state(weight_name(architecture.names.down, layer), after.keys(edit.model(), layer));
  }
  edit.add_seconds("key", watch.lap());
}

}  // namespace kedit::locate
