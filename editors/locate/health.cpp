#include "editors/locate/health.hpp"

#include "editors/editor.hpp"
#include "editors/locate/keys.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>

namespace kedit::locate {
namespace {

double frobenius(const WeightUpdate& update) {
  if (const auto* dense = std::get_if<Dense>(&update.update)) {
    return dense->change.to(at::kDouble).norm().item<double>();
  }
  const auto& low = std::get<LowRank>(update.update);
  const at::Tensor left = low.left.to(at::kDouble);
  const at::Tensor right = low.right.to(at::kDouble);
  const double square = (left.t().matmul(left) * right.matmul(right.t())).sum().item<double>();
  return std::sqrt(square);
}

/// Next-token log-probabilities after each prompt: [prompts, vocab] float32.
at::Tensor next_token_log_probs(const EditedModel& model, const std::vector<std::string>& prompts) {
  const c10::NoGradGuard no_grad;
  std::vector<LocatedText> texts;
  for (const std::string& prompt : prompts) {
    LocatedText text{model.tokenizer().ids(prompt), 0};
    text.position = static_cast<std::int64_t>(text.ids.size()) - 1;
    texts.push_back(std::move(text));
  }
  ForwardInput input;
  input.ids = padded_batch(model, texts);
  std::vector<std::int64_t> wanted = positions_of(texts);
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    wanted[row] += static_cast<std::int64_t>(row) * input.ids.size(1);
  }
  input.logit_positions = at::tensor(wanted, at::kLong).to(input.ids.device());
  return model.forward(input).logits.to(at::kFloat).log_softmax(-1);
}

double probe_drift(const EditedModel& before, const EditedModel& after,
                   const std::vector<std::string>& prompts) {
  const at::Tensor p = next_token_log_probs(before, prompts);
  const at::Tensor q = next_token_log_probs(after, prompts);
  return (p.exp() * (p - q)).sum(-1).mean().item<double>();
}

std::string find_fault(const HealthReport& report, const HealthLimits& limits) {
  for (const UpdateHealth& u : report.updates) {
    if (!u.finite) return fmt::format("the change of {} is not finite", u.weight);
    if (u.ratio() > limits.max_update_ratio) {
      return fmt::format(
          "the change of {} has norm {:.4g} against the weight's {:.4g} (ratio {:.3g}, allowed "
          "{:.3g}{})",
          u.weight, u.update_norm, u.weight_norm, u.ratio(), limits.max_update_ratio,
          u.rho ? fmt::format("; rho {:.3g}", *u.rho) : "");
    }
  }
  if (report.probe_drift && !(*report.probe_drift <= limits.max_probe_drift)) {
    return fmt::format("the probe prompts drift by {:.4g} nats (allowed {:.4g})",
                       *report.probe_drift, limits.max_probe_drift);
  }
  return {};
}

}  // namespace

UpdateHealth measure_update(const EditedModel& model, const WeightUpdate& update,
                            std::optional<double> rho) {
  UpdateHealth health;
  health.weight = update.weight;
  health.rho = rho;
  health.update_norm = frobenius(update);
  health.finite = std::isfinite(health.update_norm);
  health.weight_norm = model.weight(update.weight).to(at::kFloat).norm().item<double>();
  return health;
}

HealthReport check_health(std::vector<UpdateHealth> updates, const EditedModel& before,
                          const EditedModel& after, const HealthLimits& limits) {
  HealthReport report;
  report.updates = std::move(updates);
  report.fault = find_fault(report, limits);
  if (report.healthy() && !limits.probe_prompts.empty()) {
    report.probe_drift = probe_drift(before, after, limits.probe_prompts);
    report.fault = find_fault(report, limits);
  }
  return report;
}

void enforce_health(const HealthReport& report, const std::string& request_id, bool force,
                    const RunContext& run) {
  if (report.healthy()) return;
  const std::string text =
      fmt::format("checking the health of edit {}: {}", request_id, report.fault);
  if (!force) throw UnhealthyEdit(text + "; nothing was changed (--force commits it all the same)");
  run.warning(text + "; forced");
}

}  // namespace kedit::locate
