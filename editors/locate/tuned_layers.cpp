#include "editors/locate/tuned_layers.hpp"

#include "editors/locate/keys.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <utility>

namespace kedit::locate {
namespace {

Linear& rewrite_module(DecoderWeights& weights, std::int64_t layer) {
  return weights.layers[static_cast<std::size_t>(layer)].down;
}

TunedParameter parameter(const std::string& name, const at::Tensor& stored) {
  const at::Tensor before = stored.detach().to(at::kFloat);
  return {name, before, before.clone().requires_grad_(true)};
}

}  // namespace

TunedLayers::TunedLayers(const EditedModel& model, const std::vector<std::int64_t>& layers)
    : model_(model), layers_(layers) {
  const std::string& stem = model.architecture().names.down;
  DecoderWeights weights = model.weights();
  for (const std::int64_t layer : layers) {
    const Linear& module = rewrite_module(weights, layer);
    const std::string name = weight_name(stem, layer);
    parameters_.push_back(parameter(name, module.weight));
    if (!module.bias.defined()) continue;
    const std::string without_suffix = name.substr(0, name.size() - std::string(".weight").size());
    parameters_.push_back(parameter(without_suffix + ".bias", module.bias));
  }
}

TunedLayers::Prompts TunedLayers::prepare(const std::vector<std::vector<std::int64_t>>& ids) const {
  const c10::NoGradGuard no_grad;
  std::vector<LocatedText> texts;
  for (const auto& prompt : ids) texts.push_back({prompt, std::ssize(prompt) - 1});
  Prompts prompts;
  Taps taps;
  taps.add(layers_.front(), Site::resid_pre,
           [&](const at::Tensor& activation) { return prompts.hidden = activation; })
      .stop_after(layers_.front());
  ForwardInput input;
  input.ids = padded_batch(model_, texts);
  input.want_logits = false;
  model_.forward(input, nullptr, &taps);
  std::vector<std::int64_t> last = positions_of(texts);
  for (std::size_t row = 0; row < last.size(); ++row) {
    last[row] += static_cast<std::int64_t>(row) * input.ids.size(1);
  }
  prompts.last_flat = at::tensor(last, at::kLong).to(input.ids.device());
  return prompts;
}

at::Tensor TunedLayers::last_log_probs(const Prompts& prompts) const {
  ForwardInput input;
  input.start_layer = layers_.front();
  input.start_hidden = prompts.hidden;
  input.logit_positions = prompts.last_flat;
  const DecoderWeights weights = weights_with_parameters();
  return kedit::forward(model_.architecture(), weights, input)
      .logits.to(at::kFloat)
      .log_softmax(-1);
}

DecoderWeights TunedLayers::weights_with_parameters() const {
  DecoderWeights weights = model_.weights();
  auto next = parameters_.begin();
  for (const std::int64_t layer : layers_) {
    Linear& module = rewrite_module(weights, layer);
    for (at::Tensor* tensor : {&module.weight, &module.bias}) {
      if (tensor->defined()) *tensor = (next++)->now.to(tensor->scalar_type());
    }
  }
  return weights;
}

}  // namespace kedit::locate
