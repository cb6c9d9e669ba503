#pragma once

#include "editors/locate/edit_delta_builder.hpp"
#include "editors/locate/tuned_layers.hpp"
#include "edits/progress.hpp"
#include "edits/request.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace kedit::locate {

/// Hyper-parameters of the reference program's fine-tuning, by its names where it has one.
struct FineTuningOptions {
  std::vector<std::int64_t> layers;
  std::int64_t epochs = 25;  ///< num_steps
  std::int64_t batch_size = 128;
  double learning_rate = 5e-4;  ///< lr
  double weight_decay = 0.0;    ///< pulls the whole weight to 0
  std::optional<double> bound;  ///< norm_constraint: of every element's change
};

/// Trains the parameters of `model` on the requests' bare prompts: Adam over minibatches in the
/// order given, all target tokens scored at the prompt's last position, no update of a minibatch
/// whose loss is below 0.01, the bound kept after each, until an epoch's mean loss is below 0.01.
/// Throws `UnhealthyEdit` when a loss is not finite, `Interrupted` when a stop is requested.
TrainingFigures fine_tune(const EditedModel& edited, TunedLayers& model,
                          const std::vector<EditRequest>& requests,
                          const FineTuningOptions& options, const RunContext& run);

}  // namespace kedit::locate
