#include "editors/locate/located_editor.hpp"

#include "editors/locate/moment_source.hpp"
#include "editors/setting_infos.hpp"
#include "editors/setting_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::locate {

LocatedEditor::LocatedEditor(std::string name, EditorSettings settings)
    : name_(std::move(name)), settings_(std::move(settings)) {
  ignored_ = ignored_settings(name_, settings_.values, setting_keys(name_));
}

LocateSettings LocatedEditor::resolve(const Model& model) const {
  LocateSettings settings = resolve_locate_settings(name_, settings_, model);
  try {
    check_own_settings(SettingsReader(settings.resolved));
  } catch (const JsonError& error) {
    throw SettingsError(error.what());
  }
  return settings;
}

Json LocatedEditor::settings_for(const Model& model) const {
  const LocateSettings settings = resolve(model);
  for (const std::int64_t layer : settings.layers) {
    check_second_moment(model, layer, settings.moment);
  }
  return settings.resolved;
}

std::shared_ptr<const LocatedEditor::Prepared> LocatedEditor::prepare(const EditedModel& model,
                                                                      const RunContext& run) const {
  const std::lock_guard lock(mutex_);
  if (prepared_ && prepared_->fingerprint == model.base().fingerprint() &&
      prepared_->seed == run.seed) {
    return prepared_;
  }
  run.enter("solve");
  auto prepared = std::make_shared<Prepared>();
  prepared->fingerprint = model.base().fingerprint();
  prepared->seed = run.seed;
  prepared->settings = resolve(model.base());
  const LocateSettings& settings = prepared->settings;
  if (!ignored_.empty()) {
    run.warning(
        fmt::format("{} does not use these settings: {}", name_, fmt::join(ignored_, ", ")));
  }
  prepare_statistics(*prepared, model, run);
  run.enter("context");
  prepared->templates = settings.context_templates
                            ? *settings.context_templates
                            : cached_context_templates(model, settings.context_plan, run);
  prepared->kept = settings.resolved;
  prepared->kept["context_templates"] = prepared->templates;
  prepared->kept["seed"] = run.seed;
  prepared_ = prepared;
  return prepared;
}

void LocatedEditor::prepare_statistics(const Prepared& prepared, const EditedModel& model,
                                       const RunContext& run) const {
  for (const std::int64_t layer : prepared.settings.layers) factor(prepared, model, layer, run);
}

const MomentFactor& LocatedEditor::factor(const Prepared& prepared, const EditedModel& model,
                                          std::int64_t layer, const RunContext& run) const {
  return prepared.factors.at(
      layer, [&] { return moment_factor(model.base(), layer, prepared.settings.moment, run); });
}

}  // namespace kedit::locate
