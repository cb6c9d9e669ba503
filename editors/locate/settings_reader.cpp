#include "editors/locate/settings_reader.hpp"

#include "editors/editor.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::locate {

double SettingsReader::number(const char* key, double least) const {
  const double value = view_.at(key).number();
  if (!(value >= least)) view_.at(key).fail(fmt::format("a number of at least {}", least));
  return value;
}

std::int64_t SettingsReader::integer(const char* key, std::int64_t least) const {
  const std::int64_t value = view_.at(key).integer();
  if (value < least) view_.at(key).fail(fmt::format("an integer of at least {}", least));
  return value;
}

namespace {

// A number or a list of them.
std::vector<std::int64_t> layer_list(const JsonView& list) {
  if (list.value().is_number()) return {list.integer()};
  std::vector<std::int64_t> layers;
  for (std::size_t i = 0; i < list.size(); ++i) layers.push_back(list.at(i).integer());
  return layers;
}

}  // namespace

std::vector<std::int64_t> read_layers(const SettingsReader& reader,
                                      const Architecture& architecture) {
  if (!reader.has("layers")) {
    throw SettingsError(fmt::format(
        "reading the editor settings: layers: expected the layer to edit (0 to {}), found none for "
        "this model; say for example --set layers=[{}]",
        architecture.layers - 1, architecture.layers / 3));
  }
  const JsonView list = reader.at("layers");
  std::vector<std::int64_t> layers = layer_list(list);
  std::sort(layers.begin(), layers.end());
  const bool repeated = std::adjacent_find(layers.begin(), layers.end()) != layers.end();
  if (layers.empty() || repeated || layers.front() < 0 || layers.back() >= architecture.layers) {
    list.fail(fmt::format("different layers from 0 to {}", architecture.layers - 1));
  }
  return layers;
}

// ---- The optimised value -------------------------------------------------------

ValueOptions read_value_options(const SettingsReader& reader, bool force) {
  ValueOptions options;
  options.num_grad_steps = reader.integer("v_num_grad_steps", 1);
  options.learning_rate = reader.number("v_lr", 0.0);
  options.scale_learning_rate = reader.boolean("v_lr_scaled");
  options.weight_decay = reader.number("v_weight_decay", 0.0);
  options.clamp_norm_factor = reader.number("clamp_norm_factor", 0.0);
  options.kl_factor = reader.number("kl_factor", 0.0);
  options.stop_loss = reader.number("v_stop_loss", 0.0);
  options.best_iterate = reader.boolean("v_best_iterate");
  options.memory_bytes = reader.integer("v_memory", 0);
  options.allow_blind = force;
  return options;
}

// ---- Key statistics --------------------------------------------------------------

MomentSource read_moment_source(const SettingsReader& reader) {
  MomentSource source;
  source.adjustment = reader.boolean("mom2_adjustment");
  source.ridge = reader.number("mom2_ridge", 0.0);
  source.dataset = reader.has("mom2_dataset") ? reader.string("mom2_dataset") : "";
  source.samples = reader.integer("mom2_n_samples", 1);
  source.dtype = reader.string("mom2_dtype");
  if (source.dtype != "float32" && source.dtype != "float64") {
    reader.at("mom2_dtype").fail("float32 or float64");
  }
  source.tokens = reader.integer("mom2_n_tokens", 0);
  if (reader.has("stats_dir")) source.directory = reader.string("stats_dir");
  source.collect = reader.string("stats") == "auto";
  if (!source.collect && reader.string("stats") != "never") {
    reader.at("stats").fail("auto or never");
  }
  if (reader.has("layers")) source.layers = layer_list(reader.at("layers"));
  if (!reader.has("second_moment")) return source;
  const JsonView files = reader.at("second_moment");
  for (const std::string& layer : files.keys()) {
    if (layer.empty() || layer.size() > 6 ||
        layer.find_first_not_of("0123456789") != std::string::npos) {
      files.fail(fmt::format("layer numbers as keys, not \"{}\"", layer));
    }
    source.files[std::stoll(layer)] = files.at(std::string_view(layer)).string();
  }
  return source;
}

// ---- Contexts ----------------------------------------------------------------------

std::optional<ContextTemplates> read_context_templates(const SettingsReader& reader) {
  if (!reader.has("context_templates")) return std::nullopt;
  ContextTemplates templates = reader.strings("context_templates");
  check_context_templates(templates);
  return templates;
}

ContextPlan read_context_plan(const SettingsReader& reader) {
  ContextPlan plan;
  plan.lengths.clear();
  const JsonView list = reader.at("context_template_length_params");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView pair = list.at(i);
    if (pair.size() != 2) pair.fail("[length, count]");
    const std::int64_t length = pair.at(std::size_t{0}).integer();
    const std::int64_t count = pair.at(std::size_t{1}).integer();
    if (length < 1 || length > 1000 || count < 0 || count > 1000) {
      pair.fail("a length of 1 to 1000 and a count of 0 to 1000");
    }
    plan.lengths.emplace_back(length, count);
  }
  const std::string start = reader.string("context_start");
  if (start != "end_of_text" && start != "words") {
    reader.at("context_start").fail("end_of_text or words");
  }
  plan.from_words = start == "words";
  return plan;
}

// ---- Health ------------------------------------------------------------------------

HealthLimits read_health_limits(const SettingsReader& reader) {
  HealthLimits limits;
  limits.max_update_ratio = reader.number("max_update_ratio", 0.0);
  limits.max_probe_drift = reader.number("max_probe_drift", 0.0);
  if (reader.has("probe_prompts")) limits.probe_prompts = reader.strings("probe_prompts");
  return limits;
}

}  // namespace kedit::locate
