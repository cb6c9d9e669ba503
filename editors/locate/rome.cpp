#include "editors/locate/rome.hpp"

#include "editors/locate/edit_cost.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <utility>

namespace kedit::locate {
namespace {

ValueProblem value_problem(const EditedModel& model, std::int64_t layer, const EditRequest& request,
                           const ContextTemplates& templates, FactToken token) {
  return make_value_problem(model, {layer, Site::mlp_value}, request, templates, token);
}

}  // namespace

RomeEditor::Insertion RomeEditor::insertion(const SubjectKeys& found, const LocateSettings&) const {
  return {found.keys.mean(0), found.keys.select(0, 0), found.outputs.select(0, 0)};
}

// ROME for one layer, in the order of its section 3.1.
void RomeEditor::edit_layer(EditDeltaBuilder& edit, std::int64_t layer, const EditRequest& request,
                            std::optional<ValueResult> value, const Prepared& prepared,
                            const RunContext& run) const {
  const EditedModel& model = edit.model();
  const LocateSettings& settings = prepared.settings;
  Stopwatch watch;
  // Step 1: the key to select.
  run.enter("key");
  const auto texts =
      subject_texts(model.tokenizer(), request, prepared.templates, settings.fact_token);
  const Insertion at = insertion(collect_keys(model, layer, texts), settings);
  edit.add_seconds("key", watch.lap());

  // Step 2: the value to recall.
  run.enter("value");
  if (!value) {
    value = optimise_value(
        model, value_problem(model, layer, request, prepared.templates, settings.fact_token),
        settings.value, run);
  }
  edit.add_optimisation(layer, *value);
  edit.add_seconds("value", watch.lap());

  // Step 3: the insertion.
  run.enter("solve");
  const at::Tensor u = edit_direction(factor(prepared, model, layer, run), at.selector);
  const at::Tensor wanted = (value->initial + value->delta).to(u.device());
  const at::Tensor r = right_vector(wanted, at.output, at.key, u);
  const double rho = u.dot(at.selector).item<double>() / u.dot(at.key).item<double>();
  edit.add_update(mlp_update(model.architecture(), layer, u, r), rho);
  edit.add_seconds("solve", watch.lap());
}

EditDelta RomeEditor::edit_one(const Prepared& prepared, const EditedModel& model,
                               const EditRequest& request, std::optional<ValueResult> first_value,
                               double context_seconds, const RunContext& run) const {
  EditDeltaBuilder edit(std::string(name()), model, {request}, prepared.kept);
  edit.add_seconds("context", context_seconds);
  for (const std::int64_t layer : prepared.settings.layers) {
    edit_layer(edit, layer, request, std::exchange(first_value, std::nullopt), prepared, run);
  }
  return edit.finish(prepared.settings.health, forced(), run);
}

std::vector<EditDelta> RomeEditor::edit(const EditedModel& model,
                                        const std::vector<EditRequest>& requests,
                                        const RunContext& run) const {
  Stopwatch watch;
  const auto prepared = prepare(model, run);
  double context_seconds = watch.lap();  // told once, with the first edit
  EditedModel edited = model;
  std::vector<EditDelta> deltas;
  for (const EditRequest& given : requests) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    const EditRequest request = validate_request(given);
    deltas.push_back(edit_one(*prepared, edited, request, std::nullopt,
                              std::exchange(context_seconds, 0.0), run));
    if (deltas.size() < requests.size()) {
      edited.mount(fmt::format("{}: earlier edit {}", name(), deltas.size()), deltas.back());
    }
    run.report({"edits", std::ssize(deltas), std::ssize(requests), request.subject});
  }
  return deltas;
}

std::vector<EditDelta> RomeEditor::edit_each(const EditedModel& model,
                                             const std::vector<EditRequest>& requests,
                                             const RunContext& run) const {
  Stopwatch watch;
  const auto prepared = prepare(model, run);
  const LocateSettings& settings = prepared->settings;
  double context_seconds = watch.lap();
  std::vector<EditRequest> checked;
  std::vector<ValueProblem> problems;
  for (const EditRequest& given : requests) {
    checked.push_back(validate_request(given));
    problems.push_back(value_problem(model, settings.layers.front(), checked.back(),
                                     prepared->templates, settings.fact_token));
  }
  run.enter("value");
  std::vector<ValueResult> values = optimise_values(model, problems, settings.value, run);
  const double value_seconds = watch.lap() / static_cast<double>(requests.size());
  std::vector<EditDelta> deltas;
  for (std::size_t i = 0; i < checked.size(); ++i) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    deltas.push_back(edit_one(*prepared, model, checked[i], std::move(values[i]),
                              std::exchange(context_seconds, 0.0), run));
    deltas.back().figures.seconds["value"] += value_seconds;
    run.report({"edits", std::ssize(deltas), std::ssize(requests), checked[i].subject});
  }
  return deltas;
}

std::vector<PhaseCost> RomeEditor::cost(const EditedModel& model,
                                        const std::vector<EditRequest>& requests) const {
  const LocateSettings settings = resolve(model.base());
  const EditCost cost(model, settings);
  std::vector<PhaseCost> phases{
      cost.context(), {"key"}, {"value"}, cost.solve(std::ssize(requests))};
  for (const std::int64_t layer : settings.layers) {
    std::vector<ValueProblem> problems;
    for (const EditRequest& request : requests) {
      problems.push_back(value_problem(model, layer, validate_request(request), cost.templates(),
                                       settings.fact_token));
    }
    phases[1] = phases[1] + cost.key(problems, layer, 1.0);
    phases[2] = phases[2] + cost.value(problems);
  }
  return phases;
}

}  // namespace kedit::locate
