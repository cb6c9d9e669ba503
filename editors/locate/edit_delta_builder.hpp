#pragma once

#include "editors/locate/health.hpp"
#include "editors/locate/value_optimiser.hpp"
#include "edits/delta.hpp"
#include "edits/progress.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// The MLP's second matrix of `layer` shall answer a key k with outputs^T (directions k) more than
/// before. directions: [r, m], outputs: [r, d]; a single one may be a vector. The factors come out
/// on the CPU, as the checkpoint stores the matrix: [d, m] (nn.Linear) or [m, d] (Conv1D).
WeightUpdate mlp_update(const Architecture& architecture, std::int64_t layer,
                        const at::Tensor& directions, const at::Tensor& outputs);

/// How a training of weights went.
struct TrainingFigures {
  std::vector<double> epoch_loss;  ///< mean over an epoch's requests, before its updates
  std::vector<double> batch_loss;  ///< of every minibatch, before its update
  double learning_rate = 0;
};

/// Gathers what an editor of located weights finds into one EditDelta: any number of requests, of
/// layers and of optimisations, in the order in which they are found.
class EditDeltaBuilder {
 public:
  /// `settings`: with all defaults, and the seed.
  EditDeltaBuilder(std::string editor, const EditedModel& start, std::vector<EditRequest> requests,
                   const Json& settings);

  /// The model as it was at the start with the updates added so far mounted.
  const EditedModel& model() const { return model_; }

  /// `request`: its place among the requests, where there are several.
  void add_optimisation(std::int64_t layer, const ValueResult& value,
                        std::optional<std::int64_t> request = {});
  /// Measures the update against `model()` and mounts it there, if it is finite. `rho`: see
  /// `UpdateHealth`.
  void add_update(WeightUpdate update, std::optional<double> rho = {});
  /// Of weights that were trained.
  void add_training(const TrainingFigures& training);
  /// What the editor needs again when it edits on top of this edit; float32, any device.
  void add_state(const std::string& name, const at::Tensor& tensor);
  void add_seconds(const std::string& phase, double seconds);

  /// The delta with its figures. Throws `UnhealthyEdit` when they are outside the limits, or warns
  /// under `force`; nothing may be added afterwards.
  EditDelta finish(const HealthLimits& limits, bool force, const RunContext& run);

 private:
  std::string what() const;  // the requests, for messages

  EditedModel start_, model_;
  EditDelta delta_;
  std::vector<UpdateHealth> health_;
};

}  // namespace kedit::locate
