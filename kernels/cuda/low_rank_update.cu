#include "kernels/checks.hpp"
#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/launches.hpp"

#include <string>

namespace kedit::kernels::cuda {
namespace {

// How many blocks of 256 threads a processor shall hold: as many as the registers of the right
// factors' part leave room for.
constexpr int resident_blocks(int registers, bool plain) {
  if (!plain || registers > 32) return 2;
  return registers > 16 ? 3 : 4;
}

template <class T, int kRank, int kWidth, bool kPlain>
__global__ void __launch_bounds__(kGroups* kLanes, resident_blocks(kRank* kWidth, kPlain))
    small_kernel(const __grid_constant__ SmallPass small, const T* base, T* out) {
  __shared__ LeftRows<kRank> shared;
  run_small<T, kRank, kWidth, kPlain>(Barrier{}, small, base, out, this_place(), shared);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 2)
    tile_kernel(const __grid_constant__ TilePass tile, const T* base, T* out) {
  __shared__ Slabs slabs;
  run_tile<T, kWidth>(Barrier{}, tile, base, out, this_place(), slabs);
}

__global__ void __launch_bounds__(Packing::kThreads)
    pack_kernel(const __grid_constant__ Packing packing) {
  pack(packing, this_place());
}

dim3 grid(std::int64_t across, std::int64_t down) {
  constexpr std::int64_t kMostAcross = 0x7FFFFFFF, kMostDown = 65535;  // of a launch
  if (across > kMostAcross || down > kMostDown) {
    throw std::runtime_error(
        "CUDA: low-rank update: expected a matrix of at most 65535 blocks of "
        "rows, found " +
        std::to_string(down));
  }
  return {static_cast<unsigned>(across), static_cast<unsigned>(down), 1};
}

class Launches {
 public:
  Launches(const Update& update, cudaStream_t stream) : update_(update), stream_(stream) {}

  template <class T, int kRank, int kWidth, bool kPlain>
  void small(const SmallPass& pass, const T* base, T* out, std::int64_t strips,
             std::int64_t bands) {
    small_kernel<T, kRank, kWidth, kPlain>
        <<<grid(strips, bands), dim3(kGroups, kLanes), 0, stream_>>>(pass, base, out);
    check_launch("few columns");
  }

  template <class T, int kWidth>
  void tile(const TilePass& pass, const T* base, T* out, std::int64_t across, std::int64_t down) {
    tile_kernel<T, kWidth><<<grid(across, down), kTileThreads, 0, stream_>>>(pass, base, out);
    check_launch("many columns");
  }

  void pack(const Packing& packing, std::int64_t blocks) {
    pack_kernel<<<grid(blocks, packing.count), Packing::kThreads, 0, stream_>>>(packing);
    check_launch("packing the factors");
  }

 private:
  void check_launch(const char* what) const {
    const cudaError_t status = cudaGetLastError();
    if (status == cudaSuccess) return;
    check(status, std::string("low-rank update of [") + std::to_string(update_.rows) + ", " +
                      std::to_string(update_.cols) + "], " + what);
  }

  const Update& update_;
  cudaStream_t stream_;
};

}  // namespace

void queue_update(const Update& update, cudaStream_t stream) {
  check_update(update.base, update.out, update.rows, update.cols, *update.terms);
  if (update.rows * update.cols == 0) return;
  if (update.terms->empty()) {
    if (update.base == update.out || update.row_index != nullptr) return;
    const auto bytes =
        static_cast<std::size_t>(update.rows * update.cols * bytes_per_element(update.type));
    check(cudaMemcpyAsync(update.out, update.base, bytes, cudaMemcpyDeviceToDevice, stream),
          "copying a weight");
    return;
  }
  Launches launches(update, stream);
  run_update(update, launches);
}

}  // namespace kedit::kernels::cuda
