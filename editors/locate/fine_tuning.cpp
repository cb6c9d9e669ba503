#include "editors/locate/fine_tuning.hpp"

#include "editors/editor.hpp"
#include "editors/locate/adam.hpp"
#include "editors/locate/subject_position.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace kedit::locate {
namespace {

constexpr double kStopLoss = 1e-2;  // of the reference program: no update below, stop below

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
  Tuner(TunedLayers& model, const FineTuningOptions& options)
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
  const FineTuningOptions& options_;
  std::vector<Adam> optimisers_;
};

double finite_loss(const at::Tensor& loss, std::int64_t epoch) {
  const double value = loss.item<double>();
  if (std::isfinite(value)) return value;
  throw UnhealthyEdit(fmt::format(
      "fine-tuning: expected a finite loss, found {} in epoch {}; lower lr", value, epoch));
}

}  // namespace

TrainingFigures fine_tune(const EditedModel& edited, TunedLayers& model,
                          const std::vector<EditRequest>& requests,
                          const FineTuningOptions& options, const RunContext& run) {
  const auto batches = minibatches(edited, model, requests, options.batch_size);
  const c10::AutoGradMode with_grad(true);
  Tuner tuner(model, options);
  TrainingFigures figures{{}, {}, options.learning_rate};
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    double sum = 0, seen = 0;
    for (const Minibatch& batch : batches) {
      if (run.should_stop()) throw Interrupted("fine-tuning was interrupted");
      const at::Tensor loss = loss_of(model, batch);
      figures.batch_loss.push_back(finite_loss(loss, epoch));
      const double count = batch.count.item<double>();
      sum += figures.batch_loss.back() * count;
      seen += count;
      if (figures.batch_loss.back() >= kStopLoss) tuner.update(loss);
      tuner.keep_bound();
    }
    figures.epoch_loss.push_back(sum / seen);
    run.report({"epochs", epoch + 1, options.epochs,
                fmt::format("loss {:.3f}", figures.epoch_loss.back())});
    if (figures.epoch_loss.back() < kStopLoss) break;
  }
  return figures;
}

}  // namespace kedit::locate
