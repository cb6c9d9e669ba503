#pragma once

#include <cstdint>

namespace kedit::kernels {

/// moment[i, j] += sum over rows n of keys[n, i] * keys[n, j] for j >= i: running, un-normalised
/// second moment of keys (ROME, appendix: C = K K^T up to the count), its upper triangle.
///
/// keys: row-major [count, dim] float32; moment: row-major [dim, dim] float64. Up to 1024 keys are
/// summed in float32 (256 and then four of these sums), the rest in float64. The result does not
/// depend on the thread count. What lies below the diagonal is not read and may be written.
void accumulate_second_moment(const float* keys, std::int64_t count, std::int64_t dim,
                              double* moment, int threads = 1);

/// Copies what is above the diagonal of [dim, dim] to below it.
void mirror_upper_triangle(double* moment, std::int64_t dim);

}  // namespace kedit::kernels
