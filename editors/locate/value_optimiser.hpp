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
  /// v_memory: of a batch's step; 0: 1 GB and no more tokens than help on a CPU, 4 GB on a GPU.
  std::int64_t memory_bytes = 0;
};

/// The loss of one forward pass and its terms.
struct ValueStep {
  double loss = 0, nll = 0, kl = 0, decay = 0;
  double target_logprob = 0;  ///< log P(whole target | bare prompt), natural logarithm
};

struct ValueResult {
  at::Tensor initial;  ///< v0 [d] float32, CPU: what delta is added to
  at::Tensor delta;    ///< [d] float32, CPU; the wanted output is v* = v0 + delta
  std::vector<ValueStep> steps;
  double learning_rate = 0;   ///< as used
  bool clamp_active = false;  ///< the last update was rescaled to the clamp
};

/// Finds for each problem the delta, added at the fact token of its layer, that makes the model
/// write the target (ROME, eq. 4; MEMIT, section 4.2; the loss as their programs compute it: mean
/// over rows of the mean token NLL + kl_factor * KL + v_weight_decay * |delta| / |v0|^2, Adam from
/// zero, projection after each step, stop below 0.05, last iterate).
///
/// The problems, which share layer and site, run in batches of rows that fit `memory_bytes`: each
/// with its own delta, moments, clamp and stop, and leaves its batch once it is done. A delta is
/// what the problem alone would give, up to rounding.
///
/// Throws `EditError` when no scored logit depends on delta, `UnhealthyEdit` when a loss is not
/// finite, `Interrupted` when a stop is requested.
std::vector<ValueResult> optimise_values(const EditedModel& model,
                                         const std::vector<ValueProblem>& problems,
                                         const ValueOptions& options, const RunContext& run);
ValueResult optimise_value(const EditedModel& model, const ValueProblem& problem,
                           const ValueOptions& options, const RunContext& run);

/// Bytes that a batch's step may hold, by the options or by the model's device.
std::int64_t value_memory(const ValueOptions& options, const EditedModel& model);

/// Bytes that one step of a problem holds at most: the activations of its tails in the layers above
/// and the logits it scores, each kept for the backward pass.
std::int64_t value_step_bytes(const Architecture& architecture, const ValueProblem& problem,
                              std::int64_t element_bytes);

}  // namespace kedit::locate
