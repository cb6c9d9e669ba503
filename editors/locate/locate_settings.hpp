#pragma once

#include "editors/editor.hpp"
#include "editors/locate/context_templates.hpp"
#include "editors/locate/health.hpp"
#include "editors/locate/moment_source.hpp"
#include "editors/locate/subject_position.hpp"
#include "editors/locate/value_optimiser.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kedit::locate {

/// What ROME, R-ROME, MEMIT and AlphaEdit are told alike, typed once at the edge.
struct LocateSettings {
  std::vector<std::int64_t> layers;  ///< ascending
  FactToken fact_token = FactToken::subject_last;
  ValueOptions value;
  MomentSource moment;
  std::optional<ContextTemplates> context_templates;  ///< absent: generated
  ContextPlan context_plan;
  HealthLimits health;
  Json resolved;  ///< all keys with the values used, the method's own among them
};

/// The settings that `layered_settings` finds for `editor`, typed. Throws `SettingsError` for a
/// value of the wrong kind or range, or when no layer is known for this model.
LocateSettings resolve_locate_settings(std::string_view editor, const EditorSettings& user,
                                       const Model& model);

}  // namespace kedit::locate
