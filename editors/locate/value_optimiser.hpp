#pragma once

#include "editors/locate/value_problem.hpp"
#include "edits/progress.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// Hyper-parameters of the value optimisation, by the reference programs' names where they have
/// one.
struct ValueOptions {
  std::int64_t num_grad_steps = 20;  ///< v_num_grad_steps: forward passes; one update fewer
  double learning_rate = 0.5;        ///< v_lr: Adam's
  /// v_lr_scaled (kedit's own, from the lab): the rate is v_lr * |v0| / sqrt(d), so that one value
  /// serves models whose MLP outputs differ in size.
  bool scale_learning_rate = false;
  double weight_decay = 0.5;       ///< v_weight_decay: times |delta| / |v0|^2
  double clamp_norm_factor = 4.0;  ///< |delta| <= factor * |v0| after each step
  double kl_factor = 0.0625;       ///< times KL(P_delta || P_0) of the essence row
  double stop_loss = 0.05;         ///< v_stop_loss: no update once the loss is below
  bool allow_blind = false;   ///< a warning instead of an error where no logit depends on delta
  bool best_iterate = false;  ///< v_best_iterate: lowest loss instead of the last iterate
};

/// The loss of one forward pass and its terms.
struct ValueStep {
  double loss = 0, nll = 0, kl = 0, decay = 0;
  double target_logprob = 0;  ///< log P(whole target | bare prompt), natural logarithm
};

struct ValueResult {
  at::Tensor initial;  ///< v0 [d] float32, CPU
  at::Tensor delta;    ///< [d] float32, CPU; the wanted output is v* = v0 + delta
  std::vector<ValueStep> steps;
  double learning_rate = 0;   ///< as used
  bool clamp_active = false;  ///< the last update was rescaled to the clamp
};

/// Finds delta, added to the MLP output of `problem.layer` at the fact token, that makes the model
/// write the target (ROME, eq. 4; the loss as its program computes it: mean over rows of the mean
/// token NLL + kl_factor * KL + v_weight_decay * |delta| / |v0|^2, Adam from zero, projection after
/// each step, stop below 0.05, last iterate).
///
/// Throws `EditError` when no scored logit depends on delta, `UnhealthyEdit` when a loss is not
/// finite, `Interrupted` when a stop is requested.
ValueResult optimise_value(const EditedModel& model, const ValueProblem& problem,
                           const ValueOptions& options, const RunContext& run);

}  // namespace kedit::locate
