#include "editors/locate/ft.hpp"

#include "editors/locate/adam.hpp"
#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/settings_layers.hpp"
#include "editors/locate/settings_reader.hpp"
#include "editors/locate/subject_position.hpp"
#include "editors/locate/tuned_layers.hpp"
#include "editors/setting_infos.hpp"
#include "editors/setting_keys.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <utility>

namespace kedit::locate {
namespace {

constexpr double kStopLoss = 1e-2;  // of the reference program: no update below, stop below

struct Options {
  std::vector<std::int64_t> layers;
  std::int64_t epochs = 25, batch_size = 128;
  double learning_rate = 5e-4, weight_decay = 0.0;
  std::optional<double> bound;  ///< norm_constraint: of every element's change
  HealthLimits health;
  Json resolved;
};

Options read_options(const EditorSettings& user, const Model& model) {
  Json values = layered_settings("ft", user, model);
  Options options;
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
    options.health = read_health_limits(reader);
  } catch (const JsonError& error) {
    throw SettingsError(error.what());
  }
  values["layers"] = options.layers;
  options.resolved = std::move(values);
  return options;
}

/// Some requests whose prompts run together.
struct Minibatch {
  TunedLayers::Prompts prompts;
  at::Tensor weights;  ///< [n, vocab] float32: 1/t for each token of a target, at its id
  at::Tensor count;    ///< number of requests
};

/// -(1/t) sum_j log P(y_j | prompt): all target tokens at the one last position of the prompt.
at::Tensor loss_of(const TunedLayers& model, const Minibatch& batch) {
  const at::Tensor log_probs = model.last_log_probs(batch.prompts);
  return -(log_probs * batch.weights).sum() / batch.count;
}

std::vector<Minibatch> minibatches(const EditedModel& model, const TunedLayers& tuned,
                                   const std::vector<EditRequest>& requests,
                                   std::int64_t batch_size) {
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<Minibatch> batches;
  for (std::size_t begin = 0; begin < requests.size();) {
    std::vector<std::vector<std::int64_t>> prompts, targets;
    while (begin < requests.size() && std::ssize(prompts) < batch_size) {
      const EditRequest& request = requests[begin++];
      const std::string prompt = filled_prompt(request);
      prompts.push_back(tokenizer.ids(prompt));
      targets.push_back(target_ids(tokenizer, prompt, request.target_new));
    }
    at::Tensor weights = at::zeros({std::ssize(targets), model.architecture().vocab}, at::kFloat);
    for (std::size_t row = 0; row < targets.size(); ++row) {
      at::Tensor of_row = weights[static_cast<std::int64_t>(row)];
      for (const std::int64_t id : targets[row]) {
        of_row[id] += 1.0 / static_cast<double>(targets[row].size());
      }
    }
    Minibatch batch;
    batch.prompts = tuned.prepare(prompts);
    batch.weights = weights.to(batch.prompts.hidden.device());
    batch.count = at::full({}, static_cast<double>(targets.size()), batch.weights.options());
    batches.push_back(std::move(batch));
  }
  return batches;
}

/// Adam over all parameters, with the decay that pulls the whole weight to 0 in its gradient, and
/// the bound on every element's change.
class Tuner {
 public:
  Tuner(TunedLayers& model, const Options& options)
      : model_(model),
        options_(options),
        optimisers_(model.parameters().size(), Adam(options.learning_rate)) {}

  void update(const at::Tensor& loss) {
    for (TunedParameter& parameter : model_.parameters()) {
      parameter.now.mutable_grad() = at::Tensor();
    }
    loss.backward();
    const c10::NoGradGuard no_grad;
    for (std::size_t i = 0; i < optimisers_.size(); ++i) {
      TunedParameter& parameter = model_.parameters()[i];
      at::Tensor gradient = parameter.now.grad();
      if (options_.weight_decay > 0.0) {
        gradient = gradient + options_.weight_decay * parameter.now;
      }
      optimisers_[i].step(parameter.now, gradient);
    }
  }

  void keep_bound() {
    if (!options_.bound) return;
    const c10::NoGradGuard no_grad;
    for (TunedParameter& parameter : model_.parameters()) {
      parameter.now.copy_(at::clamp(parameter.now, parameter.before - *options_.bound,
                                    parameter.before + *options_.bound));
    }
  }

 private:
  TunedLayers& model_;
  const Options& options_;
  std::vector<Adam> optimisers_;
};

double finite_loss(const at::Tensor& loss, std::int64_t epoch) {
  const double value = loss.item<double>();
  if (std::isfinite(value)) return value;
  throw UnhealthyEdit(fmt::format(
      "fine-tuning: expected a finite loss, found {} in epoch {}; lower lr", value, epoch));
}

/// Trains until an epoch's mean loss, measured before its updates, is below 0.01. Returns the loss
/// of each epoch and of each minibatch.
std::pair<std::vector<double>, std::vector<double>> train(TunedLayers& tuned,
                                                          const std::vector<Minibatch>& batches,
                                                          const Options& options,
                                                          const RunContext& run) {
  const c10::AutoGradMode with_grad(true);
  Tuner tuner(tuned, options);
  std::vector<double> epochs, losses;
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    double sum = 0, requests = 0;
    for (const Minibatch& batch : batches) {
      if (run.should_stop()) throw Interrupted("fine-tuning was interrupted");
      const at::Tensor loss = loss_of(tuned, batch);
      losses.push_back(finite_loss(loss, epoch));
      const double count = batch.count.item<double>();
      sum += losses.back() * count;
      requests += count;
      if (losses.back() >= kStopLoss) tuner.update(loss);
      tuner.keep_bound();
    }
    epochs.push_back(sum / requests);
    run.report({"epochs", epoch + 1, options.epochs, fmt::format("loss {:.3f}", epochs.back())});
    if (epochs.back() < kStopLoss) break;
  }
  return {epochs, losses};
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
  return read_options(settings_, model).resolved;
}

std::vector<EditDelta> FineTuningEditor::edit(const EditedModel& model,
                                              const std::vector<EditRequest>& requests,
                                              const RunContext& run) const {
  if (requests.empty()) return {};
  if (!ignored_.empty()) {
    run.warning(fmt::format("ft does not use these settings: {}", fmt::join(ignored_, ", ")));
  }
  const Options options = read_options(settings_, model.base());
  std::vector<EditRequest> checked;
  for (const EditRequest& given : requests) checked.push_back(validate_request(given));

  Stopwatch watch;
  run.enter("value");
  TunedLayers tuned(model, options.layers);
  const auto batches = minibatches(model, tuned, checked, options.batch_size);
  const auto [epochs, losses] = train(tuned, batches, options, run);
  EditDeltaBuilder edit("ft", model, checked, options.resolved);
  edit.add_training({epochs, losses, options.learning_rate});
  edit.add_seconds("value", watch.lap());
  run.enter("solve");
  for (const TunedParameter& parameter : tuned.parameters()) {
    edit.add_update(dense_update(parameter));
  }
  edit.add_seconds("solve", watch.lap());
  std::vector<EditDelta> deltas;
  deltas.push_back(edit.finish(options.health, settings_.force, run));
  return deltas;
}

}  // namespace kedit::locate
