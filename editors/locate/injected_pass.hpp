#pragma once

#include "editors/locate/value_problem.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace kedit::locate {

/// The forward pass of some value problems as a function of their deltas, with nothing run twice
/// that no delta changes. The constructor runs every row once up to the injected layer, and the
/// tokens before the fact token through the layers above, whose keys and values it keeps. Each call
/// then runs only the tokens from the fact token on, only the layers above, and computes logits
/// only where the losses look. Exact by causality: what is left out does not depend on delta.
///
/// E problems at the same layer and site; R rows of all of them; T tokens of the longest tail.
class InjectedPass {
 public:
  InjectedPass(const EditedModel& model, std::span<const ValueProblem> problems);

  /// v0 [E, d] float32: what delta is added to, at the fact token of each problem's row 0.
  const at::Tensor& initial_values() const { return initial_values_; }

  struct LogProbs {
    at::Tensor nll;  ///< [E] float32: mean over facts, rows and tokens of -log P(target token)
    at::Tensor target_logprob;  ///< [E] float32, no gradient: log P(whole target | row 0)
    at::Tensor essence;         ///< [E, vocab] float32: log P(. | KL row at its fact token)
  };
  /// deltas: [E, d] float32, each added at the fact token of every row of its problem, KL row
  /// included. Differentiable in deltas; the problems do not mix.
  LogProbs log_probs(const at::Tensor& deltas) const;

  /// Goes on with some of the problems only, in the order given.
  void keep(const std::vector<std::int64_t>& problems);

 private:
  struct Boundary;  // what the lower layers give, for whole rows
  Boundary run_lower_layers(const at::Tensor& ids, const std::vector<LocatedText>& rows);
  void cut_tails(const Boundary& boundary, const std::vector<LocatedText>& rows);
  void run_prefixes(const at::Tensor& boundary, const std::vector<LocatedText>& rows);
  void place_labels();
  const Norm& output_norm() const;
  bool norms_output() const;
  at::Tensor block_output(const at::Tensor& deltas) const;

  const EditedModel& model_;
  std::span<const ValueProblem> problems_;
  std::vector<std::int64_t> active_;  // [E] places in problems_
  std::vector<std::int64_t> owner_;   // [R] place in active_
  std::int64_t layer_;
  std::int64_t text_length_ = 0;  // of the longest row
  at::Tensor initial_values_;
  at::Tensor tail_;  // [R, T, d] residual stream after the injected block, delta = 0
  // Only where the family norms what the MLP gives: a change before that norm is no sum after it.
  at::Tensor mlp_value_, residual_;  // [R, T, d]
  at::Tensor positions_;             // [R, T] int64
  at::Tensor key_mask_;              // [R, P + T] bool; undefined without prefixes
  KvCache prefix_;                   // keys and values of the P tokens before the fact tokens
  at::Tensor spread_;                // [R, E] float32, one-hot: which delta a row gets
  at::Tensor logit_positions_;       // [labels + E] flat indices into [R, T], KL rows last
  at::Tensor labels_;                // [labels, 1] int64
  at::Tensor nll_weights_;           // [E, labels] float32
  at::Tensor first_row_;             // [E, labels] float32: 1 at the labels of a problem's row 0
};

}  // namespace kedit::locate
