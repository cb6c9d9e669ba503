#include "editors/locate/batch_editor.hpp"

#include "editors/locate/edit_cost.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace kedit::locate {

BatchTargets BatchEditor::targets_of(const Prepared& prepared, const EditedModel& model,
                                     const std::vector<EditRequest>& requests,
                                     const RunContext& run) const {
  const LocateSettings& settings = prepared.settings;
  return find_batch_targets(model, settings.layers.back(), requests, prepared.templates,
                            settings.fact_token, merges_subjects(settings), settings.value, run);
}

EditDelta BatchEditor::edit_batch(const Prepared& prepared, const EditedModel& model,
                                  const std::vector<EditRequest>& requests,
                                  const BatchTargets& targets,
                                  const std::map<std::string, double>& seconds,
                                  const RunContext& run) const {
  EditDeltaBuilder edit(std::string(name()), model, requests, prepared.kept);
  for (const auto& [phase, passed] : seconds) edit.add_seconds(phase, passed);
  add_optimisations(edit, prepared.settings.layers.back(), targets);
  change_layers(edit, prepared, requests, targets, run);
  return edit.finish(prepared.settings.health, forced(), run);
}

std::vector<EditDelta> BatchEditor::edit(const EditedModel& model,
                                         const std::vector<EditRequest>& requests,
                                         const RunContext& run) const {
  if (requests.empty()) return {};
  Stopwatch watch;
  const std::vector<EditRequest> checked = validate_batch(requests);
  const auto prepared = prepare(model, run);
  const double context_seconds = watch.lap();
  run.enter("value");
  const BatchTargets targets = targets_of(*prepared, model, checked, run);
  const std::map<std::string, double> seconds{{"context", context_seconds}, {"value", watch.lap()}};
  std::vector<EditDelta> deltas;
  deltas.push_back(edit_batch(*prepared, model, checked, targets, seconds, run));
  return deltas;
}

std::vector<EditDelta> BatchEditor::edit_each(const EditedModel& model,
                                              const std::vector<EditRequest>& requests,
                                              const RunContext& run) const {
  Stopwatch watch;
  std::vector<EditRequest> checked;
  for (const EditRequest& given : requests) checked.push_back(validate_request(given));
  const auto prepared = prepare(model, run);
  double context_seconds = watch.lap();  // told once, with the first edit
  const LocateSettings& settings = prepared->settings;
  run.enter("value");
  // No two requests meet here, so none are merged.
  BatchTargets all =
      find_batch_targets(model, settings.layers.back(), checked, prepared->templates,
                         settings.fact_token, /*merge_subjects=*/false, settings.value, run);
  const double value_seconds = watch.lap() / static_cast<double>(checked.size());
  std::vector<EditDelta> deltas;
  for (std::size_t i = 0; i < checked.size(); ++i) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    const BatchTargets own{{std::move(all.values[i])}, {0}, false};
    deltas.push_back(edit_batch(
        *prepared, model, {checked[i]}, own,
        {{"context", std::exchange(context_seconds, 0.0)}, {"value", value_seconds}}, run));
    run.report({"edits", std::ssize(deltas), std::ssize(checked), checked[i].subject});
  }
  return deltas;
}

void BatchEditor::share_among_layers(EditDeltaBuilder& edit, const Prepared& prepared,
                                     const std::vector<EditRequest>& requests,
                                     const BatchTargets& targets, const Directions& directions,
                                     const RunContext& run) const {
  const LocateSettings& settings = prepared.settings;
  const std::int64_t last = settings.layers.back();
  const std::int64_t all = std::ssize(settings.layers);
  BatchReader reader(edit.model(), requests, prepared.templates, settings.fact_token);
  at::Tensor z;
  std::int64_t left = all;
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
    edit.add_update(
        mlp_update(edit.model().architecture(), layer, directions(layer, keys), residuals));
    edit.add_seconds("solve", watch.lap());
    run.report({"layers", all - left, all, ""});
  }
}

std::vector<PhaseCost> BatchEditor::cost(const EditedModel& model,
                                         const std::vector<EditRequest>& requests) const {
  const LocateSettings settings = resolve(model.base());
  const EditCost cost(model, settings);
  const std::int64_t last = settings.layers.back();
  std::vector<ValueProblem> problems;
  for (const EditRequest& request : requests) {
    problems.push_back(make_value_problem(model, {last, Site::resid_post},
                                          validate_request(request), cost.templates(),
                                          settings.fact_token));
  }
  // The layers up to the first edited one once, those that change twice.
  const double twice =
      static_cast<double>(2 * settings.layers.size()) / static_cast<double>(last + 1);
  const double once =
      static_cast<double>(settings.layers.front() + 1) / static_cast<double>(last + 1);
  return {cost.context(), cost.value(problems),
          cost.key(problems, last, once + twice + passes_afterwards()),
          cost.solve(std::ssize(requests))};
}

}  // namespace kedit::locate
