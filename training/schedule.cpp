#include "training/schedule.hpp"

#include <algorithm>

namespace kedit {

double learning_rate_at(const TrainOptions& options, std::int64_t step) {
  const auto done = static_cast<double>(step + 1);
  const auto total = static_cast<double>(options.steps);
  double factor = 1.0;
  if (step < options.warmup_steps) factor = done / static_cast<double>(options.warmup_steps);
  const double decay_begin = total * (1.0 - options.decay_share);
  if (done > decay_begin) {
    const double way = (done - decay_begin) / (total - decay_begin);
    factor = std::min(factor, 1.0 - (1.0 - options.final_rate) * way);
  }
  return options.learning_rate * factor;
}

}  // namespace kedit
