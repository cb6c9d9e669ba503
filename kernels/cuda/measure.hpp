#pragma once

#include "kernels/cuda/library_interface.hpp"
#include "kernels/low_rank_update.hpp"

#include <cstdint>

namespace kedit::kernels::cuda {

/// Times an update of a [rows, cols] weight by `terms` random terms of rank `rank`, and copies of
/// the weight, on the current device. Launches come from a graph, so that the host's part does not
/// count; weights take turns, so that none lies in the cache from the launch before.
KeditCudaTimes time_update(WeightType type, std::int64_t rows, std::int64_t cols, std::int64_t rank,
                           std::int64_t terms);

}  // namespace kedit::kernels::cuda
