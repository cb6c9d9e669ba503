#pragma once

#include "kernels/cuda/update_plan.hpp"

#include <cstdint>
#include <cuda_runtime.h>

namespace kedit::kernels::cuda {

__device__ inline Place this_place() {
  return {blockIdx.x, blockIdx.y, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.y)};
}

/// Queues an update on `stream`. Throws `std::runtime_error` naming the sizes when a launch fails.
void queue_update(const Update& update, cudaStream_t stream);

/// Queues moment += keys^T keys on `stream`.
void queue_second_moment(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                         cudaStream_t stream);

}  // namespace kedit::kernels::cuda
