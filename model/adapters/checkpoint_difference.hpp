#pragma once

#include "edits/delta.hpp"
#include "edits/progress.hpp"
#include "model/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::adapters {

/// When a change that is of low rank but for the rounding of the weights is kept as such.
enum class LowRankWhen {
  exact,    ///< Mounting it gives the edited weight to the bit.
  rounded,  ///< Always: mounting it gives the edited weight but for the last bits of some elements.
};

/// How one weight of an edited checkpoint differs from the base's.
struct WeightDifference {
  WeightUpdate update;
  /// The largest distance of the weight that mounting gives from the edited one; 0: equal to the
  /// bit. A dense change in float32 cannot reach a number that is far smaller than the base's.
  double residual = 0;
  /// Of a dense change: the rank of the product that gives the edited weight but for rounding.
  std::optional<std::int64_t> rounded_rank = {};
};

/// What was done to a checkpoint, as changes of its base, in the order of the weights: of low rank
/// where the change is that but for the rounding of the weights (as `when` says), else dense. A few
/// elements that rounding spoils are put right by further columns. Both models must have been
/// loaded with `keep_types`, on the CPU. Throws `ModelError` when the architectures differ, when
/// something else than matrices and biases of the layers was changed, when the edited numbers do
/// not fit the base's type, or when nothing differs; `Interrupted`.
std::vector<WeightDifference> checkpoint_difference(const Model& base, const Model& edited,
                                                    LowRankWhen when, const RunContext& run);

}  // namespace kedit::adapters
