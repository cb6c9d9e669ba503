#pragma once

#include "edits/delta.hpp"
#include "edits/figures.hpp"
#include "edits/progress.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// Bounds outside which an edit is refused. All are kedit's own.
struct HealthLimits {
  /// max_update_ratio: Frobenius norm of the change over that of the weight it changes. Sound edits
  /// of the reference programs stay below 3; ROME's known disabling edits begin near 10.
  double max_update_ratio = 6.0;
  /// probe_prompts, max_probe_drift: mean KL(before || after) in nats of the next-token
  /// distribution after these prompts. Measured only when prompts are given.
  std::vector<std::string> probe_prompts;
  double max_probe_drift = 1.0;
};

/// Norms of a low-rank or dense update against the weight as it is in `model`. The norm of a
/// low-rank change comes from its factors: |L R|^2 = tr((L^T L)(R R^T)).
UpdateHealth measure_update(const EditedModel& model, const WeightUpdate& update,
                            std::optional<double> rho = {});

/// Judges the figures; measures probe drift between `before` and `after` when the limits ask for
/// it.
HealthReport check_health(std::vector<UpdateHealth> updates, const EditedModel& before,
                          const EditedModel& after, const HealthLimits& limits);

/// Throws `UnhealthyEdit` with the figures, or under `force` warns with them.
void enforce_health(const HealthReport& report, const std::string& request_id, bool force,
                    const RunContext& run);

}  // namespace kedit::locate
