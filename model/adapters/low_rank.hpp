#pragma once

#include "edits/delta.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace kedit::adapters {

/// Half a unit in the last place of 1, relative: what rounding to a type costs at most. Float32,
/// bfloat16 or float16.
double rounding_error(c10::ScalarType dtype);

/// Factors (float32) whose product is no further from `change` [rows, cols] than `tolerance`, in
/// the Frobenius norm, of the smallest such rank; nothing when that is above `most_rank`. `change`
/// is finite and not zero. The same input gives the same bytes.
/// A range finder: Halko, Martinsson, Tropp, SIAM Review 53 (2011), algorithms 4.4 and 5.1.
std::optional<LowRank> find_low_rank(const at::Tensor& change, double tolerance,
                                     std::int64_t most_rank);

/// The largest rank at which two factors are smaller than the matrix.
std::int64_t largest_saving_rank(std::int64_t rows, std::int64_t cols);

/// Exact factors of any matrix (float32): itself and an identity on its shorter side.
LowRank with_identity(const at::Tensor& change);

}  // namespace kedit::adapters
