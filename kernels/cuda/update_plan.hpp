#pragma once

#include "kernels/cuda/small_rank.cuh"
#include "kernels/cuda/tiles.cuh"
#include "kernels/low_rank_update.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// How an update becomes launches: host code, apart from who launches, so that the tests run the
/// same plan on the CPU.
namespace kedit::kernels::cuda {

/// `low_rank_update` on device memory. `rows` are those of the factors and dense changes.
struct Update {
  const void* base = nullptr;
  void* out = nullptr;
  WeightType type = WeightType::float32;
  std::int64_t rows = 0, cols = 0;
  const std::int64_t* row_index =
      nullptr;  ///< On the device: the weight's rows; null: all, in order
  const std::vector<UpdateTerm>* terms = nullptr;
  void* workspace = nullptr;  ///< `workspace_bytes` of device memory, aligned to 16 bytes.
};

struct PlannedPass {
  const float* dense = nullptr;
  std::vector<Strand> strands;
};

/// Strands that are packed for one pass; more go through float32 sums between passes.
constexpr std::int64_t kMostPacked = 4096;

/// Terms in order: a dense change begins a pass, as it comes before the strands of its pass.
inline std::vector<PlannedPass> plan_passes(const std::vector<UpdateTerm>& terms, std::int64_t cols,
                                            std::int64_t most = kMostPacked) {
  std::vector<PlannedPass> passes;
  for (const UpdateTerm& term : terms) {
    if (term.dense != nullptr) {
      passes.push_back({term.dense, {}});
      continue;
    }
    const auto& [left, right, rank] = term.low_rank;
    for (std::int64_t r = 0; r < rank; ++r) {
      if (passes.empty() || std::ssize(passes.back().strands) == most) passes.emplace_back();
      passes.back().strands.push_back({left + r, rank, right + r * cols});
    }
  }
  return passes;
}

inline std::int64_t in_fours(std::int64_t count) { return (count + 3) / 4 * 4; }

/// What the packed factors of the longest pass take, and the sums between passes if there are any.
struct Workspace {
  std::int64_t left = 0, right = 0, sums = 0;  ///< floats; in this order, each a multiple of 4
  std::int64_t bytes() const { return 4 * (left + right + sums); }
};

inline Workspace workspace_of(const std::vector<PlannedPass>& passes, std::int64_t rows,
                              std::int64_t cols) {
  std::int64_t longest = 0;
  for (const auto& pass : passes) longest = std::max(longest, std::ssize(pass.strands));
  Workspace space;
  if (longest > kMostStrands) {
    space.left = longest * in_fours(rows);
    space.right = longest * in_fours(cols);
  }
  if (passes.size() > 1) space.sums = in_fours(rows * cols);
  return space;
}

inline bool is_aligned(const void* pointer, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

inline std::int64_t blocks_of(std::int64_t count, std::int64_t each) {
  return (count + each - 1) / each;
}

/// Enough blocks for every processor of a large card to have several, else as long as they may be.
inline int small_block_rows(std::int64_t rows, std::int64_t strips) {
  constexpr std::int64_t kEnough = 1024;
  int block_rows = kMostBlockRows;
  while (block_rows > 16 && strips * blocks_of(rows, block_rows) < kEnough) {
    block_rows /= 2;
  }
  return block_rows;
}

/// Runs one update. `Launcher` has
///   small<T, kRank, kWidth, kPlain>(pass, base, out, strips, bands)
///   tile<T, kWidth>(pass, base, out, tiles_across, tiles_down)
///   pack(packing, blocks)
template <class T, class Launcher>
class UpdateRun {
 public:
  UpdateRun(const Update& update, Launcher& launcher)
      : update_(update),
        launcher_(launcher),
        base_(static_cast<const T*>(update.base)),
        out_(static_cast<T*>(update.out)) {}

  void run(std::int64_t most = kMostPacked) {
    const auto passes = plan_passes(*update_.terms, update_.cols, most);
    space_ = workspace_of(passes, update_.rows, update_.cols);
    float* const sums = workspace() + space_.left + space_.right;
    for (std::size_t i = 0; i < passes.size(); ++i) {
      Pass pass;
      pass.rows = update_.rows;
      pass.cols = update_.cols;
      pass.row_index = update_.row_index;
      pass.sums_in = i == 0 ? nullptr : sums;
      pass.sums_out = i + 1 == passes.size() ? nullptr : sums;
      pass.dense = passes[i].dense;
      pass.aligned = pass.cols % 4 == 0 && is_aligned(pass.dense, 16);
      if (std::ssize(passes[i].strands) <= kMostStrands) {
        run_small(pass, passes[i].strands);
      } else {
        run_tiles(pass, passes[i].strands);
      }
    }
  }

 private:
  // 16 bytes of the weight; half of it where the right factors would fill the registers.
  static constexpr int kWide = 16 / static_cast<int>(sizeof(T));
  static constexpr int kNarrow = 4;

  float* workspace() const { return static_cast<float*>(update_.workspace); }

  bool fits(int width) const {
    const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(T);
    return update_.cols % width == 0 && is_aligned(base_, bytes) && is_aligned(out_, bytes);
  }

  void run_small(const Pass& pass, const std::vector<Strand>& strands) {
    SmallPass small;
    small.pass = pass;
    small.count = static_cast<int>(strands.size());
    small.aligned = pass.cols % 4 == 0;
    for (int k = 0; k < small.count; ++k) {
      small.strands[k] = strands[static_cast<std::size_t>(k)];
      small.aligned = small.aligned && is_aligned(small.strands[k].right, 16);
    }
    const bool plain = pass.sums_in == nullptr && pass.sums_out == nullptr &&
                       pass.dense == nullptr && pass.row_index == nullptr;
    if (!fits(kNarrow)) return small_of<16, 1, false>(small);
    if (!fits(kWide) || small.count > 8) {
      return plain ? small_of<16, kNarrow, true>(small) : small_of<16, kNarrow, false>(small);
    }
    if (!plain) {
      if (small.count <= 4) return small_of<4, kWide, false>(small);
      return small_of<16, kNarrow, false>(small);
    }
    if (small.count == 1) return small_of<1, kWide, true>(small);
    if (small.count <= 4) return small_of<4, kWide, true>(small);
    small_of<8, kWide, true>(small);
  }

  template <int kRank, int kWidth, bool kPlain>
  void small_of(SmallPass small) {
    const std::int64_t strips = blocks_of(update_.cols, std::int64_t{kGroups} * kWidth);
    small.block_rows = small_block_rows(update_.rows, strips);
    launcher_.template small<T, kRank, kWidth, kPlain>(small, base_, out_, strips,
                                                       blocks_of(update_.rows, small.block_rows));
  }

  void run_tiles(const Pass& pass, const std::vector<Strand>& strands) {
    const std::int64_t depth = std::ssize(strands);
    Packing packing;
    packing.rows = update_.rows;
    packing.cols = update_.cols;
    packing.left_stride = in_fours(update_.rows);
    packing.right_stride = in_fours(update_.cols);
    float* const left = workspace();
    float* const right = workspace() + space_.left;
    for (std::int64_t first = 0; first < depth; first += Packing::kMost) {
      packing.count = static_cast<int>(std::min<std::int64_t>(Packing::kMost, depth - first));
      std::copy_n(strands.begin() + first, packing.count, packing.strands);
      packing.left = left + first * packing.left_stride;
      packing.right = right + first * packing.right_stride;
      launcher_.pack(packing, blocks_of(std::max(update_.rows, update_.cols), Packing::kThreads));
    }
    TilePass tile;
    tile.pass = pass;
    tile.left = {left, static_cast<int>(depth), update_.rows, packing.left_stride, kLeftFiller,
                 true};
    tile.right = {right, static_cast<int>(depth), update_.cols, packing.right_stride, kRightFiller,
                  true};
    const std::int64_t across = blocks_of(update_.cols, kTile);
    const std::int64_t down = blocks_of(update_.rows, kTile);
    if (fits(kNarrow)) {
      launcher_.template tile<T, kNarrow>(tile, base_, out_, across, down);
    } else {
      launcher_.template tile<T, 1>(tile, base_, out_, across, down);
    }
  }

  const Update& update_;
  Launcher& launcher_;
  const T* base_;
  T* out_;
  Workspace space_;
};

template <class Launcher>
void run_update(const Update& update, Launcher& launcher, std::int64_t most = kMostPacked) {
  switch (update.type) {
    case WeightType::float32:
      return UpdateRun<float, Launcher>(update, launcher).run(most);
    case WeightType::bfloat16:
      return UpdateRun<Bfloat16, Launcher>(update, launcher).run(most);
    case WeightType::float16:
      return UpdateRun<Float16, Launcher>(update, launcher).run(most);
  }
}

}  // namespace kedit::kernels::cuda
