#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::kernels {

/// Element types of stored weights. Factors are always float32.
enum class WeightType { float32, bfloat16, float16 };

/// One term left @ right: left [rows, rank], right [rank, cols], row-major float32.
struct LowRankTerm {
  const float* left = nullptr;
  const float* right = nullptr;
  std::int64_t rank = 0;
};

/// One dense term: change [rows, cols], row-major float32; or left/right. Exactly one is set.
struct UpdateTerm {
  LowRankTerm low_rank;
  const float* dense = nullptr;
};

/// out[i, j] = round(base[i, j] + sum over terms, in the order given, of (left @ right)[i, j]),
/// accumulated in float32 and rounded once (to nearest even) to the weight's type.
///
/// `base` and `out` are row-major [rows, cols] and may be the same memory. With no terms `out` is a
/// copy of `base` to the bit. The order of additions is fixed (terms in order, rank ascending,
/// fused multiply-add), so results do not depend on the thread count. Throws
/// `std::invalid_argument` for negative sizes or a term with both or neither form set.
void low_rank_update(const void* base, void* out, WeightType type, std::int64_t rows,
                     std::int64_t cols, const std::vector<UpdateTerm>& terms, int threads = 1);

/// The plain loop that `low_rank_update` and the CUDA kernel are tested against.
void low_rank_update_reference(const void* base, void* out, WeightType type, std::int64_t rows,
                               std::int64_t cols, const std::vector<UpdateTerm>& terms);

}  // namespace kedit::kernels
