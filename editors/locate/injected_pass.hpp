#pragma once

#include "editors/locate/value_problem.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace kedit::locate {

/// The forward pass of a value problem as a function of delta. The layers up to the injection point
/// run once, in the constructor; each call runs only the layers above and computes logits only
/// where the loss looks. Exact: those layers do not depend on delta. (Their keys and values in
/// front of the fact token do not either; keeping those too can come behind this same face.)
class InjectedPass {
 public:
  InjectedPass(const EditedModel& model, const ValueProblem& problem);

  /// v0 [d] float32: output of the second MLP matrix of the injection layer at row 0's fact token,
  /// before any change.
  const at::Tensor& initial_value() const { return initial_value_; }

  struct LogProbs {
    at::Tensor target;   ///< [N, t] float32: log P(target[i] | row j up to it)
    at::Tensor essence;  ///< [vocab] float32: log P(. | KL row at its fact token)
  };
  /// delta: [d] float32, added to the second MLP matrix's output at the fact token of every row, KL
  /// row included. Differentiable in delta.
  LogProbs log_probs(const at::Tensor& delta) const;

 private:
  void run_lower_layers(const std::vector<LocatedText>& rows);
  const Norm& output_norm() const;
  bool has_output_norm() const;
  at::Tensor block_output(const at::Tensor& delta) const;

  const EditedModel& model_;
  const ValueProblem& problem_;
  at::Tensor ids_;             // [N + 1, seq] int64
  at::Tensor injection_mask_;  // [N + 1, seq, 1], 1 at the fact tokens
  at::Tensor boundary_;  // [N + 1, seq, d] residual stream after the injection layer, delta = 0
  // Only where the family norms what the MLP gives: a change before that norm is no sum after it.
  at::Tensor mlp_value_, residual_;  // [N + 1, seq, d]
  at::Tensor logit_positions_;       // [N * t + 1] flat indices, the KL row's last
  at::Tensor labels_;                // [N * t, 1] int64
  at::Tensor initial_value_;
};

}  // namespace kedit::locate
