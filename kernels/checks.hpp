#pragma once

#include "kernels/low_rank_update.hpp"

#include <cstdint>
#include <vector>

namespace kedit::kernels {

std::int64_t bytes_per_element(WeightType type);

/// Throws `std::invalid_argument` as `low_rank_update` documents; CPU and CUDA share it.
void check_update(const void* base, const void* out, std::int64_t rows, std::int64_t cols,
                  const std::vector<UpdateTerm>& terms);

}  // namespace kedit::kernels
