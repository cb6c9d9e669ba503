#include "editors/locate/edit_delta_builder.hpp"

#include "json/canonical.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <utility>

namespace kedit::locate {
namespace {

OptimisationFigures figures_of(const ValueResult& value) {
  OptimisationFigures figures;
  for (const ValueStep& step : value.steps) {
    figures.loss.push_back(step.loss);
    figures.terms["nll"].push_back(step.nll);
    figures.terms["kl"].push_back(step.kl);
    figures.terms["decay"].push_back(step.decay);
    figures.target_logprob.push_back(step.target_logprob);
  }
  figures.learning_rate = value.learning_rate;
  figures.initial_norm = value.initial.norm().item<double>();
  figures.delta_norm = value.delta.norm().item<double>();
  figures.clamp_active = value.clamp_active;
  return figures;
}

EditNorms last_norms(const EditFigures& figures, const std::vector<UpdateHealth>& updates) {
  EditNorms norms;
  if (!figures.optimisation.empty()) norms.delta = figures.optimisation.back().delta_norm;
  if (!updates.empty()) {
    norms.update_frobenius = updates.back().update_norm;
    norms.weight_frobenius = updates.back().weight_norm;
  }
  return norms;
}

// A vector becomes a row or a column without a stride that a transposed matrix would leave: sums
// over factors depend on it in their last digit.
at::Tensor as_rows(const at::Tensor& one_or_more) {
  const at::Tensor rows = one_or_more.dim() == 1 ? one_or_more.unsqueeze(0) : one_or_more;
  return rows.cpu().contiguous();
}

at::Tensor as_columns(const at::Tensor& one_or_more) {
  const at::Tensor columns = one_or_more.dim() == 1 ? one_or_more.unsqueeze(1) : one_or_more.t();
  return columns.cpu().contiguous();
}

}  // namespace

WeightUpdate mlp_update(const Architecture& architecture, std::int64_t layer,
                        const at::Tensor& directions, const at::Tensor& outputs) {
  const bool in_out = architecture.orientation == Orientation::in_out;
  return {weight_name(architecture.names.down, layer),
          in_out ? LowRank{as_columns(directions), as_rows(outputs)}
                 : LowRank{as_columns(outputs), as_rows(directions)}};
}

EditDeltaBuilder::EditDeltaBuilder(std::string editor, const EditedModel& start,
                                   std::vector<EditRequest> requests, const Json& settings)
    : start_(start), model_(start) {
  delta_.editor = std::move(editor);
  delta_.settings = canonical(settings);
  delta_.base_fingerprint = start.base().fingerprint();
  delta_.requests = std::move(requests);
}

void EditDeltaBuilder::add_optimisation(std::int64_t layer, const ValueResult& value,
                                        std::optional<std::int64_t> request) {
  OptimisationFigures figures = figures_of(value);
  figures.layer = layer;
  figures.request = request;
  delta_.figures.optimisation.push_back(std::move(figures));
}

void EditDeltaBuilder::add_training(const TrainingFigures& training) {
  OptimisationFigures figures;
  figures.loss = training.epoch_loss;
  figures.terms["batch_loss"] = training.batch_loss;
  figures.learning_rate = training.learning_rate;
  delta_.figures.optimisation.push_back(std::move(figures));
}

void EditDeltaBuilder::add_update(WeightUpdate update, std::optional<double> rho) {
  health_.push_back(measure_update(model_, update, rho));
  if (health_.back().finite) {
    EditDelta part;
    part.editor = delta_.editor;
    part.base_fingerprint = delta_.base_fingerprint;
    part.updates = {update};
    model_.mount(fmt::format("{}: {} in progress, part {}", delta_.editor, what(),
                             delta_.updates.size() + 1),
                 std::move(part));
  }
  delta_.updates.push_back(std::move(update));
}

void EditDeltaBuilder::add_state(const std::string& name, const at::Tensor& tensor) {
  delta_.state.push_back({name, tensor.to(at::kCPU, at::kFloat).contiguous()});
}

void EditDeltaBuilder::add_seconds(const std::string& phase, double seconds) {
  delta_.figures.seconds[phase] += seconds;
}

EditDelta EditDeltaBuilder::finish(const HealthLimits& limits, bool force, const RunContext& run) {
  HealthReport report = check_health(health_, start_, model_, limits);
  enforce_health(report, what(), force, run);
  delta_.figures.norms = last_norms(delta_.figures, report.updates);
  delta_.figures.health = std::move(report);
  return std::move(delta_);
}

std::string EditDeltaBuilder::what() const {
  if (delta_.requests.empty()) return "without requests";
  const std::string& first = delta_.requests.front().id;
  const std::size_t more = delta_.requests.size() - 1;
  return more == 0 ? first : fmt::format("{} (and {} more)", first, more);
}

}  // namespace kedit::locate
