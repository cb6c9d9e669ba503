#include "editors/locate/injected_pass.hpp"

#include "editors/locate/keys.hpp"
#include "model/decoder/layers.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace kedit::locate {

InjectedPass::InjectedPass(const EditedModel& model, const ValueProblem& problem)
    : model_(model), problem_(problem) {
  std::vector<LocatedText> rows = problem.rewriting;
  rows.push_back(problem.essence);
  ids_ = padded_batch(model, rows);
  run_lower_layers(rows);

  const std::int64_t seq = ids_.size(1);
  std::vector<std::int64_t> wanted;
  std::vector<std::int64_t> labels;
  for (std::size_t row = 0; row < problem.rewriting.size(); ++row) {
    for (std::size_t i = 0; i < problem.target.size(); ++i) {
      wanted.push_back(static_cast<std::int64_t>(row) * seq + problem.first_label(row) +
                       static_cast<std::int64_t>(i));
      labels.push_back(problem.target[i]);
    }
  }
  wanted.push_back(static_cast<std::int64_t>(problem.rewriting.size()) * seq +
                   problem.essence.position);
  logit_positions_ = at::tensor(wanted, at::kLong).to(ids_.device());
  labels_ = at::tensor(labels, at::kLong).unsqueeze(1).to(ids_.device());

  injection_mask_ = at::zeros({ids_.size(0), seq, 1}, boundary_.options());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    injection_mask_.index({static_cast<std::int64_t>(row), rows[row].position, 0}).fill_(1);
  }
}

void InjectedPass::run_lower_layers(const std::vector<LocatedText>& rows) {
  const c10::NoGradGuard no_grad;
  const auto keep = [](at::Tensor* out) {
    return [out](const at::Tensor& activation) { return *out = activation; };
  };
  at::Tensor values;
  Taps taps;
  taps.add(problem_.layer, Site::mlp_value, read_at({0}, {rows[0].position}, &values))
      .stop_after(problem_.layer);
  if (has_output_norm()) {
    taps.add(problem_.layer, Site::mlp_value, keep(&mlp_value_))
        .add(problem_.layer, Site::resid_mid, keep(&residual_));
  }
  ForwardInput input;
  input.ids = ids_;
  input.want_logits = false;
  boundary_ = model_.forward(input, nullptr, &taps).hidden;
  initial_value_ = values.reshape({-1}).to(at::kFloat);
}

const Norm& InjectedPass::output_norm() const {
  return model_.weights().layers[static_cast<std::size_t>(problem_.layer)].mlp_output_norm;
}

bool InjectedPass::has_output_norm() const { return output_norm().weight.defined(); }

// The output of the problem's block with `delta` added to what its second MLP matrix gives.
at::Tensor InjectedPass::block_output(const at::Tensor& delta) const {
  const at::Tensor change = injection_mask_ * delta.to(boundary_.dtype());
  // Most families: the block's output is what came before plus the MLP's output.
  if (!has_output_norm()) return boundary_ + change;
  const Architecture& a = model_.architecture();
  return decoder::join_residual(a, output_norm(), residual_,
                                decoder::branch_output(a, output_norm(), mlp_value_ + change));
}

InjectedPass::LogProbs InjectedPass::log_probs(const at::Tensor& delta) const {
  ForwardInput input;
  input.ids = ids_;
  input.start_layer = problem_.layer + 1;
  input.start_hidden = block_output(delta);
  input.logit_positions = logit_positions_;
  const at::Tensor logits = model_.forward(input).logits;
  const at::Tensor log_probs = logits.to(at::kFloat).log_softmax(-1);

  const std::int64_t scored = labels_.size(0);
  const auto rows = static_cast<std::int64_t>(problem_.rewriting.size());
  return {log_probs.narrow(0, 0, scored).gather(1, labels_).reshape({rows, -1}),
          log_probs.select(0, scored)};
}

}  // namespace kedit::locate
