#pragma once

#include "kernels/cuda/second_moment.cuh"
#include "kernels/cuda/update_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ucontext.h>
#include <vector>

/// Launches of the CUDA kernels on the CPU: a fiber for each thread of a block, which runs up to
/// the block's barrier; one block after another. From barrier to barrier the order of the fibers
/// turns, so that a barrier that is missing shows. The kernels' bodies and the plan of launches are
/// the library's own.
namespace kedit::test {

namespace cuda = kernels::cuda;

/// The fibers of one block.
class BlockOfFibers {
 public:
  using Body = std::function<void(int)>;  // of fiber i

  explicit BlockOfFibers(int count)
      : contexts_(static_cast<std::size_t>(count)),
        stacks_(std::make_unique_for_overwrite<char[]>(contexts_.size() * kStack)) {}

  void run(const Body& body) {
    body_ = &body;
    running_ = this;
    done_.assign(contexts_.size(), 0);
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      ::getcontext(&contexts_[i]);
      contexts_[i].uc_stack.ss_sp = stacks_.get() + i * kStack;
      contexts_[i].uc_stack.ss_size = kStack;
      contexts_[i].uc_link = &scheduler_;
      ::makecontext(&contexts_[i], &BlockOfFibers::enter, 0);
    }
    bool forward = true;
    for (std::size_t left = contexts_.size(); left > 0; forward = !forward) {
      for (std::size_t turn = 0; turn < contexts_.size(); ++turn) {
        current_ = forward ? turn : contexts_.size() - 1 - turn;
        if (done_[current_] != 0) continue;
        ::swapcontext(&scheduler_, &contexts_[current_]);
        left -= done_[current_] != 0 ? 1U : 0U;
      }
    }
  }

  /// Called by a fiber: goes on when all others have come here, or have ended.
  void meet() { ::swapcontext(&contexts_[current_], &scheduler_); }

 private:
  static constexpr std::size_t kStack = std::size_t{128} << 10;

  static void enter() {
    BlockOfFibers& block = *running_;
    const std::size_t own = block.current_;
    (*block.body_)(static_cast<int>(own));
    block.done_[own] = 1;
  }

  inline static BlockOfFibers* running_ = nullptr;
  const Body* body_ = nullptr;
  std::vector<ucontext_t> contexts_;
  std::unique_ptr<char[]> stacks_;
  std::vector<char> done_;
  ucontext_t scheduler_{};
  std::size_t current_ = 0;
};

struct HostBarrier {
  BlockOfFibers* block;
  void operator()() const { block->meet(); }
};

/// run(place, meet) in every thread of every block of a grid.
template <class Run>
void emulate_grid(std::int64_t across, std::int64_t down, int threads_x, int threads_y,
                  const Run& run) {
  BlockOfFibers block(threads_x * threads_y);
  for (std::int64_t block_y = 0; block_y < down; ++block_y) {
    for (std::int64_t block_x = 0; block_x < across; ++block_x) {
      block.run([&](int i) {
        run(cuda::Place{block_x, block_y, i % threads_x, i / threads_x}, HostBarrier{&block});
      });
    }
  }
}

/// The launcher that `cuda::run_update` wants.
struct EmulatedLaunches {
  int small_launches = 0, tile_launches = 0, pack_launches = 0;

  template <class T, int kRank, int kWidth, bool kPlain>
  void small(const cuda::SmallPass& pass, const T* base, T* out, std::int64_t strips,
             std::int64_t bands) {
    ++small_launches;
    cuda::LeftRows<kRank> shared;
    emulate_grid(strips, bands, cuda::kGroups, cuda::kLanes,
                 [&](const cuda::Place& place, const HostBarrier& meet) {
                   cuda::run_small<T, kRank, kWidth, kPlain>(meet, pass, base, out, place, shared);
                 });
  }

  template <class T, int kWidth>
  void tile(const cuda::TilePass& pass, const T* base, T* out, std::int64_t across,
            std::int64_t down) {
    ++tile_launches;
    cuda::Slabs slabs;
    emulate_grid(across, down, cuda::kTileThreads, 1,
                 [&](const cuda::Place& place, const HostBarrier& meet) {
                   cuda::run_tile<T, kWidth>(meet, pass, base, out, place, slabs);
                 });
  }

  void pack(const cuda::Packing& packing, std::int64_t blocks) {
    ++pack_launches;
    emulate_grid(blocks, packing.count, cuda::Packing::kThreads, 1,
                 [&](const cuda::Place& place, const HostBarrier&) { cuda::pack(packing, place); });
  }
};

inline void emulate_second_moment(const float* keys, std::int64_t count, std::int64_t dim,
                                  double* moment) {
  const bool aligned = dim % 4 == 0 && cuda::is_aligned(keys, 16);
  const std::int64_t tiles = cuda::blocks_of(dim, cuda::kTile);
  for (std::int64_t first = 0; first < count; first += cuda::kMomentRows) {
    const auto left = cuda::keys_operand(keys, first, count, dim, aligned, cuda::kLeftFiller);
    const auto right = cuda::keys_operand(keys, first, count, dim, aligned, cuda::kRightFiller);
    cuda::Slabs slabs;
    emulate_grid(tiles, tiles, cuda::kTileThreads, 1,
                 [&](const cuda::Place& place, const HostBarrier& meet) {
                   cuda::run_moment(meet, left, right, dim, moment,
                                    first + cuda::kMomentRows >= count, place, slabs);
                 });
  }
}

}  // namespace kedit::test
