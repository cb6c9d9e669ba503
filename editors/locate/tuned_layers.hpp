#pragma once

#include "edits/request.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::locate {

/// A parameter that is trained: a float32 copy of it, which the model computes with in its place.
struct TunedParameter {
  std::string name;   ///< in the checkpoint
  at::Tensor before;  ///< as stored, float32
  at::Tensor now;     ///< float32, a leaf that requires a gradient
};

/// A model in which the second MLP matrices (and biases) of some layers are parameters, and what
/// its last positions say about some prompts. The layers below the lowest of them run once a
/// prompt.
class TunedLayers {
 public:
  TunedLayers(const EditedModel& model, const std::vector<std::int64_t>& layers);

  std::vector<TunedParameter>& parameters() { return parameters_; }

  /// Prompts whose blocks below the trained ones have run, right-padded.
  struct Prompts {
    at::Tensor hidden;     ///< [n, seq, d] input of the lowest trained block
    at::Tensor last_flat;  ///< [n] int64: flat places of the last tokens in [n, seq]
  };
  /// ids: one list a prompt, none empty. Throws `EditError` for one beyond the model's positions.
  Prompts prepare(const std::vector<std::vector<std::int64_t>>& ids) const;

  /// [n, vocab] float32 log-probabilities after each prompt; differentiable in the parameters.
  at::Tensor last_log_probs(const Prompts& prompts) const;

 private:
  DecoderWeights weights_with_parameters() const;

  const EditedModel& model_;
  std::vector<std::int64_t> layers_;
  std::vector<TunedParameter> parameters_;
};

}  // namespace kedit::locate
