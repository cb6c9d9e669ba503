#include "editors/locate/rome_settings.hpp"

#include "editors/locate/settings_layers.hpp"
#include "editors/locate/settings_reader.hpp"
#include "model/model.hpp"

#include <array>

namespace kedit::locate {
namespace {

/// Layers of the published configurations, by shape.
struct PublishedLayer {
  std::string_view family;
  std::int64_t layers, hidden, layer;
};
constexpr std::array<PublishedLayer, 7> kPublishedLayers{{
    {"gpt2", 24, 1024, 8},   // gpt2-medium
    {"gpt2", 36, 1280, 12},  // gpt2-large
    {"gpt2", 48, 1600, 17},  // gpt2-xl
    {"gptj", 28, 4096, 5},   // gpt-j-6b
    {"llama", 32, 4096, 5},  // llama-2-7b, llama-3-8b
    {"qwen2", 28, 3584, 5},  // qwen2.5-7b
    {"mistral", 32, 4096, 5},
}};

Json published_layers(const Architecture& architecture) {
  for (const PublishedLayer& known : kPublishedLayers) {
    if (known.family == architecture.family && known.layers == architecture.layers &&
        known.hidden == architecture.hidden) {
      return Json::array({known.layer});
    }
  }
  return nullptr;
}

RomeSettings typed(Json values, bool force, const Architecture& architecture) {
  RomeSettings settings;
  try {
    const SettingsReader reader(values);
    settings.layers = read_layers(reader, architecture);
    settings.fact_token = parse_fact_token(reader.string("fact_token"));
    settings.value = read_value_options(reader, force);
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

}  // namespace

const std::vector<std::string>& rome_setting_keys() {
  static const std::vector<std::string> keys{"clamp_norm_factor",
                                             "context_template_length_params",
                                             "context_templates",
                                             "fact_token",
                                             "kl_factor",
                                             "layers",
                                             "max_probe_drift",
                                             "max_update_ratio",
                                             "mom2_adjustment",
                                             "mom2_dataset",
                                             "mom2_dtype",
                                             "mom2_n_samples",
                                             "mom2_ridge",
                                             "probe_prompts",
                                             "second_moment",
                                             "v_best_iterate",
                                             "v_lr",
                                             "v_lr_scaled",
                                             "v_num_grad_steps",
                                             "v_stop_loss",
                                             "v_weight_decay"};
  return keys;
}

Json rome_default_settings() {
  Json values = {{"fact_token", "subject_last"}};
  for (const Json& group :
       {value_defaults(), moment_defaults(), context_defaults(), health_defaults()}) {
    values.update(group);
  }
  return values;
}

RomeSettings resolve_rome_settings(const EditorSettings& user, const Model& model) {
  Json defaults = rome_default_settings();
  if (Json layers = published_layers(model.architecture()); !layers.is_null()) {
    defaults["layers"] = std::move(layers);
  }
  return typed(layered_settings("rome", std::move(defaults), rome_setting_keys(), user, model),
               user.force, model.architecture());
}

}  // namespace kedit::locate
