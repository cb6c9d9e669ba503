#include "editors/locate/edit_cost.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace kedit::locate {
namespace {

double elements(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<double>(tensor.numel()) : 0.0;
}

double products_of(const LayerWeights& layer) {
  double sum = 0;
  for (const Linear* linear :
       {&layer.query, &layer.key, &layer.value, &layer.qkv, &layer.attention_output, &layer.gate,
        &layer.up, &layer.down, &layer.gate_up}) {
    sum += elements(linear->weight);
  }
  return sum;
}

// A stand-in for a sampled prefix: about one token a word in any vocabulary.
ContextTemplates stand_ins(const ContextPlan& plan) {
  ContextTemplates templates{"{}"};
  for (const auto& [length, count] : plan.lengths) {
    std::string text;
    for (std::int64_t i = 0; i + 1 < length; ++i) text += i == 0 ? "a" : " a";
    templates.insert(templates.end(), static_cast<std::size_t>(count), text + ". {}");
  }
  return templates;
}

double prefix_tokens(const ValueProblem& problem) {
  double tokens = 0;
  for (const FactRows& fact : problem.facts) {
    for (const LocatedText& row : fact.rows) tokens += static_cast<double>(row.position);
  }
  return tokens;
}

double label_count(const ValueProblem& problem) {
  double labels = 1;  // of the KL row
  for (const FactRows& fact : problem.facts) {
    labels += static_cast<double>(fact.rows.size() * fact.target.size());
  }
  return labels;
}

}  // namespace

EditCost::EditCost(const EditedModel& model, const LocateSettings& settings)
    : model_(model),
      settings_(settings),
      templates_(settings.context_templates ? *settings.context_templates
                                            : stand_ins(settings.context_plan)),
      layer_weights_(products_of(model.weights().layers.front())),
      head_weights_(elements(model.weights().head)),
      element_(static_cast<std::int64_t>(model.weights().token_embedding.element_size())) {}

PhaseCost EditCost::context() const {
  PhaseCost cost{.name = "context"};
  if (settings_.context_templates) return cost;
  const auto layers = static_cast<double>(model_.architecture().layers);
  for (const auto& [length, count] : settings_.context_plan.lengths) {
    const auto tokens = static_cast<double>(length * count);
    cost.flops += layers * layer_flops(tokens) + 2.0 * tokens * head_weights_;
  }
  return cost;
}

PhaseCost EditCost::value(const std::vector<ValueProblem>& problems) const {
  PhaseCost cost{.name = "value"};
  const double passes = 2.0 * static_cast<double>(settings_.value.num_grad_steps) - 1.0;
  std::int64_t step_bytes = 0, largest = 0;
  for (const ValueProblem& problem : problems) {
    const auto above = static_cast<double>(model_.architecture().layers - 1 - problem.layer);
    const auto below = static_cast<double>(problem.layer + 1);
    const auto tail = static_cast<double>(problem.row_count() * problem.tail_length());
    const double prefix = prefix_tokens(problem);
    cost.flops += below * layer_flops(tail + prefix) + above * layer_flops(prefix);
    cost.flops += passes * (above * layer_flops(tail) + 2.0 * label_count(problem) * head_weights_);
    const std::int64_t bytes = value_step_bytes(model_.architecture(), problem, element_);
    step_bytes += bytes;
    largest = std::max(largest, bytes);
  }
  const std::int64_t memory = value_memory(settings_.value, model_);
  cost.peak_bytes = std::max(largest, std::min(step_bytes, memory));
  return cost;
}

PhaseCost EditCost::key(const std::vector<ValueProblem>& problems, std::int64_t layer,
                        double times) const {
  PhaseCost cost{.name = "key"};
  double tokens = 0;
  for (const ValueProblem& problem : problems) {
    double rows = 0;
    for (const FactRows& fact : problem.facts) rows += static_cast<double>(fact.rows.size());
    tokens += prefix_tokens(problem) + rows;
  }
  cost.flops = times * static_cast<double>(layer + 1) * layer_flops(tokens);
  cost.peak_bytes = static_cast<std::int64_t>(tokens) * model_.architecture().hidden * element_;
  return cost;
}

PhaseCost EditCost::solve(std::int64_t edits) const {
  PhaseCost cost{.name = "solve"};
  const auto m = static_cast<double>(model_.architecture().intermediate);
  const auto layers = static_cast<double>(settings_.layers.size());
  const auto n = static_cast<double>(edits);
  const bool factorises = settings_.moment.adjustment;
  cost.double_flops = layers * ((factorises ? m * m * m / 3.0 : 0.0) + 4.0 * m * m * n);
  // A layer's C in float64 with its factor, then the factors of all layers, and the keys.
  const double kept = factorises ? layers + 1.0 : 0.0;
  cost.peak_bytes = static_cast<std::int64_t>(8.0 * (kept * m * m + 3.0 * m * n));
  return cost;
}

}  // namespace kedit::locate
