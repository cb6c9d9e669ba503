#include "editors/locate/ft.hpp"

#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/fine_tuning.hpp"
#include "editors/locate/settings_layers.hpp"
#include "editors/locate/settings_reader.hpp"
#include "editors/setting_infos.hpp"
#include "editors/setting_keys.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::locate {
namespace {

struct FineTuningSettings {
  FineTuningOptions training;
  HealthLimits health;
  Json resolved;
};

FineTuningSettings read_settings(const EditorSettings& user, const Model& model) {
  Json values = layered_settings("ft", user, model);
  FineTuningSettings settings;
  FineTuningOptions& options = settings.training;
  try {
    const SettingsReader reader(values);
    options.layers = read_layers(reader, model.architecture());
    options.epochs = reader.integer("num_steps", 1);
    options.batch_size = reader.integer("batch_size", 1);
    options.learning_rate = reader.number("lr", 0.0);
    options.weight_decay = reader.number("weight_decay", 0.0);
    // The reference asks for a float: false is none, and so is an integer.
    const Json& bound = values.at("norm_constraint");
    if (!bound.is_boolean() && !bound.is_number()) {
      reader.at("norm_constraint").fail("false or a number");
    }
    if (bound.is_number_float()) options.bound = reader.number("norm_constraint", 0.0);
    settings.health = read_health_limits(reader);
  } catch (const JsonError& error) {
    throw SettingsError(error.what());
  }
  values["layers"] = options.layers;
  settings.resolved = std::move(values);
  return settings;
}

WeightUpdate dense_update(const TunedParameter& parameter) {
  at::Tensor change = (parameter.now.detach() - parameter.before).cpu();
  if (change.dim() == 1) change = change.unsqueeze(0);
  return {parameter.name, Dense{change.contiguous()}};
}

}  // namespace

FineTuningEditor::FineTuningEditor(EditorSettings settings) : settings_(std::move(settings)) {
  ignored_ = ignored_settings("ft", settings_.values, setting_keys("ft"));
}

Json FineTuningEditor::settings_for(const Model& model) const {
  return read_settings(settings_, model).resolved;
}

std::vector<EditDelta> FineTuningEditor::edit(const EditedModel& model,
                                              const std::vector<EditRequest>& requests,
                                              const RunContext& run) const {
  if (requests.empty()) return {};
  if (!ignored_.empty()) {
    run.warning(fmt::format("ft does not use these settings: {}", fmt::join(ignored_, ", ")));
  }
  const FineTuningSettings settings = read_settings(settings_, model.base());
  const FineTuningOptions& options = settings.training;
  std::vector<EditRequest> checked;
  for (const EditRequest& given : requests) checked.push_back(validate_request(given));

  Stopwatch watch;
  run.enter("value");
  TunedLayers tuned(model, options.layers);
  const TrainingFigures training = fine_tune(model, tuned, checked, options, run);
  EditDeltaBuilder edit("ft", model, checked, settings.resolved);
  edit.add_training(training);
  edit.add_seconds("value", watch.lap());
  run.enter("solve");
  for (const TunedParameter& parameter : tuned.parameters()) {
    edit.add_update(dense_update(parameter));
  }
  edit.add_seconds("solve", watch.lap());
  std::vector<EditDelta> deltas;
  deltas.push_back(edit.finish(settings.health, settings_.force, run));
  return deltas;
}

}  // namespace kedit::locate
