#pragma once

#include "editors/editor.hpp"
#include "editors/locate/locate_settings.hpp"
#include "editors/locate/value_problem.hpp"

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// Counts the multiplications and additions, and the bytes, that an edit of located weights takes:
/// matrix products of weights alone (attention's scores and all else are a few per cent).
class EditCost {
 public:
  EditCost(const EditedModel& model, const LocateSettings& settings);

  /// The templates of the settings, or stand-ins as long as those that will be sampled.
  const ContextTemplates& templates() const { return templates_; }

  PhaseCost context() const;  ///< sampling the templates; nothing where they are given
  /// All values: lower layers once, tokens before the fact token once, 2 steps - 1 passes of the
  /// tails through the layers above. Problems that run side by side share the memory.
  PhaseCost value(const std::vector<ValueProblem>& problems) const;
  /// Texts cut after the fact token, run from layer 0 to `layer`, `times` over.
  PhaseCost key(const std::vector<ValueProblem>& problems, std::int64_t layer, double times) const;
  /// The factor of each layer's C once, and n right-hand sides (one for each edit) in it.
  PhaseCost solve(std::int64_t edits) const;

 private:
  double layer_flops(double tokens) const { return 2.0 * tokens * layer_weights_; }

  const EditedModel& model_;
  const LocateSettings& settings_;
  ContextTemplates templates_;
  double layer_weights_ = 0, head_weights_ = 0;
  std::int64_t element_ = 4;
};

}  // namespace kedit::locate
