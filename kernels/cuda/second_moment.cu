#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/launches.hpp"
#include "kernels/cuda/second_moment.cuh"

#include <stdexcept>
#include <string>

namespace kedit::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kTileThreads, 2)
    moment_kernel(const __grid_constant__ Operand left, const __grid_constant__ Operand right,
                  std::int64_t dim, double* moment, bool last) {
  __shared__ Slabs slabs;
  run_moment(Barrier{}, left, right, dim, moment, last, this_place(), slabs);
}

}  // namespace

void queue_second_moment(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                         cudaStream_t stream) {
  std::string sizes = "[";
  sizes += std::to_string(count) + ", " + std::to_string(dim) + "]";
  if (count < 0 || dim < 0) {
    throw std::invalid_argument("second moment: expected sizes of at least 0, found " + sizes);
  }
  if (count == 0 || dim == 0) return;
  const std::int64_t tiles = blocks_of(dim, kTile);
  if (tiles > 65535) throw std::invalid_argument("second moment: keys too wide: " + sizes);
  const bool aligned = dim % 4 == 0 && is_aligned(keys, 16);
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(tiles));
  for (std::int64_t first = 0; first < count; first += kMomentRows) {
    const Operand left = keys_operand(keys, first, count, dim, aligned, kLeftFiller);
    const Operand right = keys_operand(keys, first, count, dim, aligned, kRightFiller);
    moment_kernel<<<grid, kTileThreads, 0, stream>>>(left, right, dim, moment,
                                                     first + kMomentRows >= count);
    check(cudaGetLastError(), "second moment of keys " + sizes);
  }
}

}  // namespace kedit::kernels::cuda
