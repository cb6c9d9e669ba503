#pragma once

#include "training/trainer.hpp"

#include <cstdint>

namespace kedit {

/// Learning rate of step `step` (0-based): linear warm-up, constant, then linear down to
/// `final_rate` over the last `decay_share` of the steps.
double learning_rate_at(const TrainOptions& options, std::int64_t step);

}  // namespace kedit
