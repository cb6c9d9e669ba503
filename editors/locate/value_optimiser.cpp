#include "editors/locate/value_optimiser.hpp"

#include "editors/editor.hpp"
#include "editors/locate/adam.hpp"
#include "editors/locate/injected_pass.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>

namespace kedit::locate {
namespace {

/// The loss terms as tensors, so that autograd sees their sum.
struct Loss {
  at::Tensor nll, kl, decay, total;
};

/// KL(P || Q) of two log-probability vectors [vocab].
at::Tensor kl_divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  return (log_p.exp() * (log_p - log_q)).sum();
}

Loss loss_terms(const InjectedPass::LogProbs& now, const at::Tensor& essence_before,
                const at::Tensor& delta, double initial_norm, const ValueOptions& options) {
  Loss loss;
  loss.nll = -now.target.mean(1).mean();
  loss.kl = kl_divergence(now.essence, essence_before) * options.kl_factor;
  // The reference's normalisation: the norm in front is not squared, the one below is.
  loss.decay = delta.norm() * (options.weight_decay / (initial_norm * initial_norm));
  loss.total = loss.nll + loss.kl + loss.decay;
  return loss;
}

ValueStep figures(const Loss& loss, const InjectedPass::LogProbs& now) {
  ValueStep step;
  step.loss = loss.total.item<double>();
  step.nll = loss.nll.item<double>();
  step.kl = loss.kl.item<double>();
  step.decay = loss.decay.item<double>();
  step.target_logprob = now.target.select(0, 0).sum().item<double>();
  return step;
}

void check_finite(const ValueStep& step, std::size_t number) {
  if (std::isfinite(step.loss)) return;
  throw UnhealthyEdit(
      fmt::format("optimising the value: expected a finite loss, found {} at step {}; lower v_lr",
                  step.loss, number));
}

/// Projection onto the ball of radius `limit`; true if delta was outside.
bool clamp_norm(at::Tensor& delta, double limit) {
  const double norm = delta.norm().item<double>();
  if (norm <= limit) return false;
  delta.mul_(limit / norm);
  return true;
}

void check_not_blind(const EditedModel& model, const ValueProblem& problem,
                     const ValueOptions& options, const RunContext& run) {
  if (!problem.blind(model.architecture().layers)) return;
  const std::string text = fmt::format(
      "optimising the value: layer {} is the last one and the subject ends before the answer, so "
      "no "
      "change there can reach the answer; choose a lower layer",
      problem.layer);
  if (!options.allow_blind) throw EditError(text);
  run.warning(text);
}

double scaled_rate(const ValueOptions& options, double initial_norm, std::int64_t width) {
  if (!options.scale_learning_rate) return options.learning_rate;
  return options.learning_rate * initial_norm / std::sqrt(static_cast<double>(width));
}

}  // namespace

ValueResult optimise_value(const EditedModel& model, const ValueProblem& problem,
                           const ValueOptions& options, const RunContext& run) {
  check_not_blind(model, problem, options, run);
  const InjectedPass pass(model, problem);
  const at::Tensor& initial = pass.initial_value();
  const double initial_norm = initial.norm().item<double>();

  ValueResult result;
  result.learning_rate = scaled_rate(options, initial_norm, initial.size(0));
  Adam adam(result.learning_rate);
  at::Tensor delta = at::zeros_like(initial).requires_grad_(true);
  at::Tensor essence_before;
  at::Tensor best;
  double best_loss = std::numeric_limits<double>::infinity();

  const c10::AutoGradMode with_grad(true);
  for (std::int64_t it = 0; it < options.num_grad_steps; ++it) {
    if (run.should_stop()) throw Interrupted("optimising the value was interrupted");
    const InjectedPass::LogProbs now = pass.log_probs(delta);
    if (it == 0) essence_before = now.essence.detach();
    const Loss loss = loss_terms(now, essence_before, delta, initial_norm, options);
    const ValueStep step = figures(loss, now);
    check_finite(step, result.steps.size());
    result.steps.push_back(step);
    run.report({"value", it + 1, options.num_grad_steps, fmt::format("loss {:.3f}", step.loss)});
    if (options.best_iterate && step.loss < best_loss) {
      best_loss = step.loss;
      best = delta.detach().clone();
    }
    if (step.loss < options.stop_loss || it + 1 == options.num_grad_steps) break;

    delta.mutable_grad() = at::Tensor();
    loss.total.backward();
    const c10::NoGradGuard update;
    adam.step(delta, delta.grad());
    result.clamp_active = clamp_norm(delta, options.clamp_norm_factor * initial_norm);
  }
  result.initial = initial.to(at::kCPU);
  result.delta = (best.defined() ? best : delta.detach()).to(at::kCPU).clone();
  return result;
}

}  // namespace kedit::locate
