#pragma once

#include <cstdint>

namespace kedit::kernels {

/// A linear map y = W x + b as its weight is stored.
struct LinearMap {
  const float* weight = nullptr;  ///< [out, in], or [in, out] when `in_out`
  const float* bias = nullptr;    ///< [out] or null
  std::int64_t in = 0, out = 0;
  bool in_out = false;
};

/// Outputs that a range given to `multiply_rows` should begin at a multiple of.
constexpr std::int64_t kOutputBlock = 64;

/// y[r, o] = bias[o] + sum_i W(o, i) x[r, i] for the outputs o in [first, last) of a few rows; x is
/// [rows, in], y [rows, out]. Made for decoding, where the time is that of reading the weight once
/// from memory. The order of every sum depends on `in` alone: rows computed together equal the same
/// rows computed one by one, to the bit. Ranges of one call may run in different threads.
/// Throws `std::invalid_argument` for negative sizes or a range outside [0, out].
void multiply_rows(const LinearMap& map, const float* x, std::int64_t rows, float* y,
                   std::int64_t first, std::int64_t last);

}  // namespace kedit::kernels
