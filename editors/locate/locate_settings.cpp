#include "editors/locate/locate_settings.hpp"

#include "editors/locate/settings_layers.hpp"
#include "editors/locate/settings_reader.hpp"
#include "model/model.hpp"

#include <utility>

namespace kedit::locate {

LocateSettings resolve_locate_settings(std::string_view editor, const EditorSettings& user,
                                       const Model& model) {
  Json values = layered_settings(editor, user, model);
  LocateSettings settings;
  try {
    const SettingsReader reader(values);
    settings.layers = read_layers(reader, model.architecture());
    settings.fact_token = parse_fact_token(reader.string("fact_token"));
    settings.value = read_value_options(reader, user.force);
    settings.moment = read_moment_source(reader);
    settings.context_plan = read_context_plan(reader);
    settings.health = read_health_limits(reader);
    settings.context_templates = read_context_templates(reader);
  } catch (const JsonError& error) {
    throw SettingsError(error.what());
  }
  values["layers"] = settings.layers;
  forget_directories(values);
  settings.resolved = std::move(values);
  return settings;
}

}  // namespace kedit::locate
