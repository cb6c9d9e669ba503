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

// MEMIT, section 4.3: the layers share what is left of the way from the block output h of the last
// one to the wanted z, each by least squares over the keys C that it holds and the new ones.
void MemitEditor::change_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                                const std::vector<EditRequest>& requests,
                                const BatchTargets& targets, const RunContext& run) const {
  const LocateSettings& settings = prepared.settings;
  const double lambda = SettingsReader(settings.resolved).number("mom2_update_weight", 0.0);
  const std::int64_t last = settings.layers.back();
  BatchReader reader(edit.model(), requests, prepared.templates, settings.fact_token);
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
    const at::Tensor directions =
        least_squares_directions(factor(prepared, edit.model(), layer, run), keys, lambda);
    edit.add_update(mlp_update(edit.model().architecture(), layer, directions, residuals));
    edit.add_seconds("solve", watch.lap());
    run.report({"layers", std::ssize(settings.layers) - left, std::ssize(settings.layers), ""});
  }
}

}  // namespace kedit::locate
