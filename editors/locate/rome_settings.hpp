#pragma once

#include "editors/editor.hpp"
#include "editors/locate/context_templates.hpp"
#include "editors/locate/health.hpp"
#include "editors/locate/moment_source.hpp"
#include "editors/locate/subject_position.hpp"
#include "editors/locate/value_optimiser.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// ROME's settings, typed once at the edge.
struct RomeSettings {
  std::vector<std::int64_t> layers;  ///< ascending
  FactToken fact_token = FactToken::subject_last;
  ValueOptions value;
  MomentSource moment;
  std::optional<ContextTemplates> context_templates;  ///< absent: generated
  ContextPlan context_plan;
  HealthLimits health;
  Json resolved;  ///< all keys with the values used: what the delta keeps
};

/// Keys that ROME understands.
const std::vector<std::string>& rome_setting_keys();

/// The program's defaults (ROME, hparams; without `layers`, which depends on the model).
Json rome_default_settings();

/// Defaults, then what ships with the model (the "rome" object and
/// "context_templates"), then the user's. The middle layer of the published configurations is used
/// for the models they were made for. Throws `SettingsError` for a value of the wrong kind or
/// range, or when no layer is known for this model.
RomeSettings resolve_rome_settings(const EditorSettings& user, const Model& model);

}  // namespace kedit::locate
