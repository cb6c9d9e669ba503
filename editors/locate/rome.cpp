#include "editors/locate/rome.hpp"

#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/keys.hpp"
#include "editors/locate/moment_source.hpp"
#include "editors/setting_keys.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kedit::locate {

struct RomeEditor::Prepared {
  std::string fingerprint;
  std::uint64_t seed = 0;
  RomeSettings settings;
  ContextTemplates templates;
  std::map<std::int64_t, MomentFactor> factors;  // by layer
  Json kept;                                     // what each delta keeps of the settings
};

namespace {

/// ROME for one layer, in the order of its section 3.1.
void edit_layer(EditDeltaBuilder& edit, std::int64_t layer, const EditRequest& request,
                const RomeSettings& settings, const ContextTemplates& templates,
                const MomentFactor& factor, const RunContext& run) {
  const EditedModel& model = edit.model();
  Stopwatch watch;
  // Step 1: the key to select. The first context is the prompt's bare form.
  const auto texts = subject_texts(model.tokenizer(), request, templates, settings.fact_token);
  const SubjectKeys found = collect_keys(model, layer, texts);
  const at::Tensor mean_key = found.keys.mean(0);
  const at::Tensor prompt_key = found.keys.select(0, 0);
  const at::Tensor prompt_output = found.outputs.select(0, 0);
  edit.add_seconds("key", watch.lap());

  // Step 2: the value to recall.
  const ValueProblem problem =
      make_value_problem(model, layer, request, templates, settings.fact_token);
  const ValueResult value = optimise_value(model, problem, settings.value, run);
  edit.add_optimisation(layer, value);
  edit.add_seconds("value", watch.lap());

  // Step 3: the insertion.
  const at::Tensor u = edit_direction(factor, mean_key);
  const at::Tensor r = right_vector(value.initial + value.delta, prompt_output, prompt_key, u);
  const double rho = u.dot(mean_key).item<double>() / u.dot(prompt_key).item<double>();
  edit.add_update(mlp_update(model.architecture(), layer, u, r), rho);
  edit.add_seconds("solve", watch.lap());
}

}  // namespace

RomeEditor::RomeEditor(EditorSettings settings) : settings_(std::move(settings)) {
  ignored_ = ignored_settings("rome", settings_.values, rome_setting_keys());
}

RomeEditor::~RomeEditor() = default;

Json RomeEditor::settings_for(const Model& model) const {
  const RomeSettings settings = resolve_rome_settings(settings_, model);
  for (const std::int64_t layer : settings.layers) {
    check_second_moment(model, layer, settings.moment);
  }
  return settings.resolved;
}

std::shared_ptr<const RomeEditor::Prepared> RomeEditor::prepare(const EditedModel& model,
                                                                const RunContext& run) const {
  const std::lock_guard lock(mutex_);
  if (prepared_ && prepared_->fingerprint == model.base().fingerprint() &&
      prepared_->seed == run.seed) {
    return prepared_;
  }
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
  prepared->kept = settings.resolved;
  prepared->kept["context_templates"] = prepared->templates;
  prepared->kept["seed"] = run.seed;
  prepared_ = prepared;
  return prepared;
}

std::vector<EditDelta> RomeEditor::edit(const EditedModel& model,
                                        const std::vector<EditRequest>& requests,
                                        const RunContext& run) const {
  Stopwatch watch;
  const std::shared_ptr<const Prepared> shared = prepare(model, run);
  const RomeSettings& settings = shared->settings;
  double context_seconds = watch.lap();  // told once, with the first edit

  EditedModel edited = model;
  std::vector<EditDelta> deltas;
  for (const EditRequest& given : requests) {
    if (run.should_stop()) throw Interrupted("editing was interrupted");
    const EditRequest request = validate_request(given);
    EditDeltaBuilder edit("rome", edited, {request}, shared->kept);
    edit.add_seconds("context", std::exchange(context_seconds, 0.0));
    for (const std::int64_t layer : settings.layers) {
      edit_layer(edit, layer, request, settings, shared->templates, shared->factors.at(layer), run);
    }
    deltas.push_back(edit.finish(settings.health, settings_.force, run));
    edited = edit.model();
    run.report({"edits", static_cast<std::int64_t>(deltas.size()),
                static_cast<std::int64_t>(requests.size()), request.subject});
  }
  return deltas;
}

}  // namespace kedit::locate
