#pragma once

#include "kernels/low_rank_update.hpp"

#include <cstdint>
#include <vector>

/// The CUDA half of `kernels/low_rank_update.hpp`: built with KEDIT_CUDA only, so nobody may need
/// it.
namespace kedit::kernels::cuda {

/// Devices that can run the kernels; 0 without a GPU or a driver (`why` then says what is missing).
int device_count(const char** why = nullptr);

/// `low_rank_update` on matrices and factors that lie in the memory of the current device. Same
/// arithmetic, same order of additions, same bytes as on the CPU. `stream` is a cudaStream_t; the
/// call returns once the work is queued. Throws `std::invalid_argument` as the CPU form does and
/// `std::runtime_error` naming the sizes when a launch fails.
void low_rank_update(const void* base, void* out, WeightType type, std::int64_t rows,
                     std::int64_t cols, const std::vector<UpdateTerm>& terms,
                     void* stream = nullptr);

/// The same for matrices and factors in host memory: copies them to device `device`, computes,
/// copies the result back and waits. For callers that do not own device memory, and for tests.
void low_rank_update_on_host_memory(const void* base, void* out, WeightType type, std::int64_t rows,
                                    std::int64_t cols, const std::vector<UpdateTerm>& terms,
                                    int device = 0);

}  // namespace kedit::kernels::cuda
