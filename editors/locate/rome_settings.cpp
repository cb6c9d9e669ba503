#include "editors/locate/rome_settings.hpp"

#include "model/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

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

/// File names of `second_moment` and `mom2_dataset`, relative ones taken from `directory`.
void anchor_files(Json& values, const fs::path& directory) {
  const auto anchored = [&directory](const std::string& name) {
    const fs::path file(name);
    return (file.is_absolute() || directory.empty() ? file : directory / file).string();
  };
  if (values.contains("second_moment") && values["second_moment"].is_object()) {
    for (auto& [layer, file] : values["second_moment"].items()) {
      if (file.is_string()) file = anchored(file.get<std::string>());
    }
  }
  if (values.contains("mom2_dataset") && values["mom2_dataset"].is_string()) {
    const std::string name = values["mom2_dataset"];
    if (!name.empty() && fs::exists(anchored(name))) values["mom2_dataset"] = anchored(name);
  }
}

/// The names without their directories: what is kept with the edit says nothing about the machine.
void forget_directories(Json& values) {
  const auto name_of = [](Json& file) {
    if (file.is_string()) file = fs::path(file.get<std::string>()).filename().string();
  };
  if (values.contains("mom2_dataset")) name_of(values["mom2_dataset"]);
  if (!values.contains("second_moment")) return;
  for (auto& [layer, file] : values["second_moment"].items()) name_of(file);
}

void merge(Json& into, const Json& from) {
  for (const auto& [key, value] : from.items()) {
    if (!value.is_null()) into[key] = value;
  }
}

/// The lab.json in the model's directory or beside it, if it tells of this very model.
std::optional<fs::path> lab_file(const Model& model) {
  if (model.directory().empty()) return std::nullopt;
  const fs::path directory = fs::absolute(model.directory()).lexically_normal();
  for (const fs::path& file : {directory / "lab.json", directory.parent_path() / "lab.json"}) {
    std::error_code absent;
    if (!fs::is_regular_file(file, absent)) continue;
    const Json lab = read_json(file);
    const bool other =
        lab.is_object() && lab.contains("fingerprint") && lab["fingerprint"] != model.fingerprint();
    if (!other) return file;
  }
  return std::nullopt;
}

/// What ships with a lab model.
Json shipped_settings(const Model& model) {
  const std::optional<fs::path> file = lab_file(model);
  if (!file) return Json::object();
  const Json lab = read_json(*file);
  const JsonView view(lab, file->string());
  Json values = view.has("rome") ? view.at("rome").value() : Json::object();
  if (!values.is_object()) view.at("rome").fail("an object of settings");
  if (!values.contains("context_templates") && view.has("context_templates")) {
    values["context_templates"] = view.at("context_templates").strings();
  }
  anchor_files(values, file->parent_path());
  return values;
}

/// Typed access to the merged settings, with the key in every message.
class Reader {
 public:
  explicit Reader(const Json& values) : view_(values, "editor settings") {}

  double number(const char* key, double least) const {
    const double value = view_.at(key).number();
    if (!(value >= least)) view_.at(key).fail(fmt::format("a number of at least {}", least));
    return value;
  }
  std::int64_t integer(const char* key, std::int64_t least) const {
    const std::int64_t value = view_.at(key).integer();
    if (value < least) view_.at(key).fail(fmt::format("an integer of at least {}", least));
    return value;
  }
  bool boolean(const char* key) const { return view_.at(key).boolean(); }
  std::string string(const char* key) const { return view_.at(key).string(); }
  std::vector<std::string> strings(const char* key) const { return view_.at(key).strings(); }
  bool has(const char* key) const { return view_.has(key); }
  JsonView at(const char* key) const { return view_.at(key); }

 private:
  JsonView view_;
};

std::vector<std::int64_t> read_layers(const Reader& reader, const Architecture& architecture) {
  if (!reader.has("layers")) {
    throw SettingsError(fmt::format(
        "reading the editor settings: layers: expected the layer to edit (0 to {}), found none for "
        "this model; say for example --set layers=[{}]",
        architecture.layers - 1, architecture.layers / 3));
  }
  const JsonView list = reader.at("layers");
  std::vector<std::int64_t> layers;
  if (list.value().is_number())
    layers.push_back(list.integer());
  else
    for (std::size_t i = 0; i < list.size(); ++i) layers.push_back(list.at(i).integer());
  std::sort(layers.begin(), layers.end());
  const bool repeated = std::adjacent_find(layers.begin(), layers.end()) != layers.end();
  if (layers.empty() || repeated || layers.front() < 0 || layers.back() >= architecture.layers) {
    list.fail(fmt::format("different layers from 0 to {}", architecture.layers - 1));
  }
  return layers;
}

ValueOptions read_value_options(const Reader& reader, bool force) {
  ValueOptions options;
  options.num_grad_steps = reader.integer("v_num_grad_steps", 1);
  options.learning_rate = reader.number("v_lr", 0.0);
  options.scale_learning_rate = reader.boolean("v_lr_scaled");
  options.weight_decay = reader.number("v_weight_decay", 0.0);
  options.clamp_norm_factor = reader.number("clamp_norm_factor", 0.0);
  options.kl_factor = reader.number("kl_factor", 0.0);
  options.stop_loss = reader.number("v_stop_loss", 0.0);
  options.best_iterate = reader.boolean("v_best_iterate");
  options.allow_blind = force;
  return options;
}

MomentSource read_moment_source(const Reader& reader) {
  MomentSource source;
  source.adjustment = reader.boolean("mom2_adjustment");
  source.ridge = reader.number("mom2_ridge", 0.0);
  source.dataset = reader.has("mom2_dataset") ? reader.string("mom2_dataset") : "";
  source.samples = reader.integer("mom2_n_samples", 1);
  source.dtype = reader.string("mom2_dtype");
  if (source.dtype != "float32" && source.dtype != "float64") {
    reader.at("mom2_dtype").fail("float32 or float64");
  }
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

ContextPlan read_context_plan(const Reader& reader) {
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
  return plan;
}

HealthLimits read_health_limits(const Reader& reader) {
  HealthLimits limits;
  limits.max_update_ratio = reader.number("max_update_ratio", 0.0);
  limits.max_probe_drift = reader.number("max_probe_drift", 0.0);
  if (reader.has("probe_prompts")) limits.probe_prompts = reader.strings("probe_prompts");
  return limits;
}

RomeSettings typed(Json values, bool force, const Architecture& architecture) {
  RomeSettings settings;
  try {
    const Reader reader(values);
    settings.layers = read_layers(reader, architecture);
    settings.fact_token = parse_fact_token(reader.string("fact_token"));
    settings.value = read_value_options(reader, force);
    settings.moment = read_moment_source(reader);
    settings.context_plan = read_context_plan(reader);
    settings.health = read_health_limits(reader);
    if (reader.has("context_templates")) {
      settings.context_templates = reader.strings("context_templates");
      check_context_templates(*settings.context_templates);
    }
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
  static const std::vector<std::string> keys{"clamp_norm_factor", "context_template_length_params",
                                             "context_templates", "fact_token",
                                             "kl_factor",         "layers",
                                             "max_probe_drift",   "max_update_ratio",
                                             "mom2_adjustment",   "mom2_dataset",
                                             "mom2_dtype",        "mom2_n_samples",
                                             "mom2_ridge",        "probe_prompts",
                                             "second_moment",     "v_best_iterate",
                                             "v_loss_layer",      "v_lr",
                                             "v_lr_scaled",       "v_num_grad_steps",
                                             "v_stop_loss",       "v_weight_decay"};
  return keys;
}

Json rome_default_settings() {
  const ValueOptions value;
  const MomentSource moment;
  const HealthLimits health;
  return {{"fact_token", "subject_last"},
          {"v_num_grad_steps", value.num_grad_steps},
          {"v_lr", value.learning_rate},
          {"v_lr_scaled", value.scale_learning_rate},
          {"v_weight_decay", value.weight_decay},
          {"clamp_norm_factor", value.clamp_norm_factor},
          {"kl_factor", value.kl_factor},
          {"v_stop_loss", value.stop_loss},
          {"v_best_iterate", value.best_iterate},
          {"mom2_adjustment", moment.adjustment},
          {"mom2_ridge", moment.ridge},
          {"mom2_n_samples", moment.samples},
          {"mom2_dtype", moment.dtype},
          {"context_template_length_params", Json::array({{5, 10}, {10, 10}})},
          {"max_update_ratio", health.max_update_ratio},
          {"max_probe_drift", health.max_probe_drift}};
}

RomeSettings resolve_rome_settings(const EditorSettings& user, const Model& model) {
  Json values = rome_default_settings();
  if (Json layers = published_layers(model.architecture()); !layers.is_null()) {
    values["layers"] = std::move(layers);
  }
  merge(values, shipped_settings(model));
  Json own = user.values;
  anchor_files(own, user.directory);
  for (const std::string& key : rome_setting_keys()) {
    if (own.contains(key) && !own[key].is_null()) values[key] = own[key];
  }
  return typed(std::move(values), user.force, model.architecture());
}

}  // namespace kedit::locate
