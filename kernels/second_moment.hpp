#pragma once

#include <cstdint>

namespace kedit::kernels {

/// moment[i, j] += sum over rows n of keys[n, i] * keys[n, j]: running, un-normalised second moment
/// of keys (ROME, appendix: C = K K^T up to the count).
///
/// keys: row-major [count, dim] float32; moment: row-major [dim, dim] float64, symmetric. Sums run
/// in float64; the result does not depend on the thread count.
void accumulate_second_moment(const float* keys, std::int64_t count, std::int64_t dim,
                              double* moment, int threads = 1);

}  // namespace kedit::kernels
