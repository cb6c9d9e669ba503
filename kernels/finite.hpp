#pragma once

#include "kernels/low_rank_update.hpp"

#include <cstdint>

namespace kedit::kernels {

/// True if none of the `count` elements is NaN or infinite. Reads at memory speed: the exponent
/// bits are tested as integers.
bool all_finite(const void* data, WeightType type, std::int64_t count, int threads = 1);

}  // namespace kedit::kernels
