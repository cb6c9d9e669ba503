#include "editors/locate/rome.hpp"

#include "editors/locate/keys.hpp"
#include "editors/locate/moment_source.hpp"
#include "editors/request_json.hpp"
#include "editors/setting_keys.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

namespace kedit::locate {

struct RomeEditor::Prepared {
  std::string fingerprint;
  std::uint64_t seed = 0;
  RomeSettings settings;
  ContextTemplates templates;
  std::map<std::int64_t, MomentFactor> factors;  // by layer
  std::string settings_text;
  double seconds = 0;
};

namespace {

class Stopwatch {
 public:
  /// Seconds since construction or the last call.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - start_).count();
    start_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Seconds {
  double context = 0, key = 0, value = 0, solve = 0;
};

/// What one layer's step found.
struct LayerEdit {
  WeightUpdate update;
  ValueResult value;
  UpdateHealth health;
};

/// W += u r^T for Conv1D storage [m, d], W += r u^T for nn.Linear storage [d, m].
WeightUpdate as_update(const Architecture& architecture, std::int64_t layer,
                       const RankOne& change) {
  WeightUpdate update;
  update.weight = weight_name(architecture.names.down, layer);
  const at::Tensor u = change.direction;
  const at::Tensor r = change.right;
  if (architecture.orientation == Orientation::in_out) {
    update.update = LowRank{u.unsqueeze(1).contiguous(), r.unsqueeze(0).contiguous()};
  } else {
    update.update = LowRank{r.unsqueeze(1).contiguous(), u.unsqueeze(0).contiguous()};
  }
  return update;
}

/// ROME for one layer, in the order of its section 3.1.
LayerEdit edit_layer(const EditedModel& model, std::int64_t layer, const EditRequest& request,
                     const RomeSettings& settings, const ContextTemplates& templates,
                     const MomentFactor& factor, const RunContext& run, Seconds& seconds) {
  Stopwatch watch;
  // Step 1: the key to select. The first context is the prompt's bare form.
  const auto texts = subject_texts(model.tokenizer(), request, templates, settings.fact_token);
  const SubjectKeys found = collect_keys(model, layer, texts);
  const at::Tensor mean_key = found.keys.mean(0);
  const at::Tensor prompt_key = found.keys.select(0, 0);
  const at::Tensor prompt_output = found.outputs.select(0, 0);
  seconds.key += watch.lap();

  // Step 2: the value to recall.
  const ValueProblem problem =
      make_value_problem(model, layer, request, templates, settings.fact_token);
  LayerEdit edit;
  edit.value = optimise_value(model, problem, settings.value, run);
  seconds.value += watch.lap();

  // Step 3: the insertion.
  RankOne change;
  change.direction = edit_direction(factor, mean_key);
  change.right = right_vector(edit.value.initial + edit.value.delta, prompt_output, prompt_key,
                              change.direction);
  edit.update = as_update(model.architecture(), layer, change);
  const double rho = change.direction.dot(mean_key).item<double>() /
                     change.direction.dot(prompt_key).item<double>();
  edit.health = measure_update(model, edit.update, rho);
  seconds.solve += watch.lap();
  return edit;
}

EditDelta empty_delta(const EditedModel& model, const EditRequest& request,
                      const std::string& settings_text) {
  EditDelta delta;
  delta.editor = "rome";
  delta.settings = settings_text;
  delta.base_fingerprint = model.base().fingerprint();
  delta.request_ids = {request.id};
  delta.requests = canonical_text(Json::array({request_to_json(request)}));
  return delta;
}

Json value_to_json(std::int64_t layer, const ValueResult& value) {
  Json json = {{"layer", layer}, {"steps", value.steps.size()}};
  for (const char* name : {"loss", "nll", "kl", "decay", "target_logprob"})
    json[name] = Json::array();
  for (const ValueStep& step : value.steps) {
    json["loss"].push_back(step.loss);
    json["nll"].push_back(step.nll);
    json["kl"].push_back(step.kl);
    json["decay"].push_back(step.decay);
    json["target_logprob"].push_back(step.target_logprob);
  }
  json["learning_rate"] = value.learning_rate;
  json["delta_norm"] = value.delta.norm().item<double>();
  json["initial_norm"] = value.initial.norm().item<double>();
  json["clamp_active"] = value.clamp_active;
  return json;
}

std::string diagnostics_text(const std::vector<Json>& layers, const HealthReport& health,
                             const Seconds& seconds) {
  Json norms = {{"delta", layers.back().at("delta_norm")},
                {"update_frobenius", health.updates.back().update_norm},
                {"weight_frobenius", health.updates.back().weight_norm}};
  return canonical_text({{"optimisation", layers},
                         {"norms", norms},
                         {"health", health.to_json()},
                         {"seconds",
                          {{"context", seconds.context},
                           {"key", seconds.key},
                           {"value", seconds.value},
                           {"solve", seconds.solve}}}});
}

EditId scratch_id(const EditRequest& request, std::int64_t layer) {
  return fmt::format("rome: {} in progress, layer {}", request.id, layer);
}

}  // namespace

RomeEditor::RomeEditor(EditorSettings settings) : settings_(std::move(settings)) {
  ignored_ = ignored_settings("rome", settings_.values, rome_setting_keys());
}

RomeEditor::~RomeEditor() = default;

std::string RomeEditor::settings_text() const {
  Json values = rome_default_settings();
  for (const std::string& key : rome_setting_keys()) {
    if (settings_.values.contains(key)) values[key] = settings_.values[key];
  }
  return canonical_text(values);
}

std::shared_ptr<const RomeEditor::Prepared> RomeEditor::prepare(const EditedModel& model,
                                                                const RunContext& run) const {
  const std::lock_guard lock(mutex_);
  if (prepared_ && prepared_->fingerprint == model.base().fingerprint() &&
      prepared_->seed == run.seed) {
    return prepared_;
  }
  Stopwatch watch;
  auto prepared = std::make_shared<Prepared>();
  prepared->fingerprint = model.base().fingerprint();
  prepared->seed = run.seed;
  prepared->settings = resolve_rome_settings(settings_, model.base());
  const RomeSettings& settings = prepared->settings;
  if (!ignored_.empty()) {
    run.warning(fmt::format("rome does not use these settings: {}", fmt::join(ignored_, ", ")));
  }
  prepared->templates = settings.context_templates
                            ? *settings.context_templates
                            : generate_context_templates(model, settings.context_plan, run);
  for (const std::int64_t layer : settings.layers) {
    prepared->factors.emplace(layer, moment_factor(model.base(), layer, settings.moment, run));
  }
  Json resolved = settings.resolved;
  resolved["context_templates"] = prepared->templates;
  resolved["seed"] = run.seed;
  prepared->settings_text = canonical_text(resolved);
  prepared->seconds = watch.lap();
  prepared_ = prepared;
  return prepared;
}

std::vector<EditDelta> RomeEditor::edit(const EditedModel& model,
                                        const std::vector<EditRequest>& requests,
                                        const RunContext& run) const {
  Stopwatch watch;
  const std::shared_ptr<const Prepared> shared = prepare(model, run);
  Seconds seconds;
  seconds.context = watch.lap();

  EditedModel overlay = model;
  std::vector<EditDelta> deltas;
  for (const EditRequest& given : requests) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    const EditRequest request = validate_request(given);
    EditDelta delta = empty_delta(model, request, shared->settings_text);
    const EditedModel before = overlay;
    std::vector<Json> optimisations;
    std::vector<UpdateHealth> health;
    for (const std::int64_t layer : shared->settings.layers) {
      LayerEdit found = edit_layer(overlay, layer, request, shared->settings, shared->templates,
                                   shared->factors.at(layer), run, seconds);
      optimisations.push_back(value_to_json(layer, found.value));
      health.push_back(std::move(found.health));
      if (health.back().finite) {
        EditDelta step = empty_delta(model, request, shared->settings_text);
        step.updates.push_back(found.update);
        overlay.mount(scratch_id(request, layer), std::move(step));
      }
      delta.updates.push_back(std::move(found.update));
    }
    const HealthReport report =
        check_health(std::move(health), before, overlay, shared->settings.health);
    enforce_health(report, request.id, settings_.force, run);
    delta.diagnostics = diagnostics_text(optimisations, report, seconds);
    deltas.push_back(std::move(delta));
    run.report({"edits", static_cast<std::int64_t>(deltas.size()),
                static_cast<std::int64_t>(requests.size()), request.subject});
    seconds = Seconds{};
  }
  return deltas;
}

}  // namespace kedit::locate
