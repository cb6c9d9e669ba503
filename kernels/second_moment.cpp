#include "kernels/second_moment.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/lanes.hpp"
#include "kernels/workers.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace kedit::kernels {
namespace {

constexpr std::int64_t kPanel = 2 * kLanes;  // columns of keys packed side by side
constexpr std::int64_t kSummed = 256;        // rows summed in registers: short sums round less
constexpr std::int64_t kChunk = 1024;        // rows between two visits to the total, in float64
constexpr std::int64_t kGroup = 4;           // panels that stay in the cache while others pass by

// What fits into the registers of an instruction set: sums of `kRows` x `kColumns` Lanes.
template <int Width, int Rows, int Columns>
struct Tiling {
  static constexpr int kWidth = Width;
  static constexpr int kRows = Rows;
  static constexpr int kColumns = Columns;
};
using TilingAvx512 = Tiling<16, 8, 2>;
using TilingAvx2 = Tiling<8, 4, 1>;
using TilingPlain = Tiling<4, 2, 1>;

// keys[0 .. count) as panels [panel][row][kPanel], padded with zeros at the right.
void pack(const float* keys, std::int64_t count, std::int64_t dim, std::vector<float>& panels) {
  const std::int64_t panel_count = (dim + kPanel - 1) / kPanel;
  for (std::int64_t panel = 0; panel < panel_count; ++panel) {
    const std::int64_t width = std::min(kPanel, dim - panel * kPanel);
    float* to = panels.data() + panel * kChunk * kPanel;
    const float* from = keys + panel * kPanel;
    for (std::int64_t row = 0; row < count; ++row, to += kPanel, from += dim) {
      std::copy(from, from + width, to);
      std::fill(to + width, to + kPanel, 0.0F);
    }
  }
}

// sums += factor x; the factor is spread over the register by the multiplication itself.
template <int Width>
KEDIT_KERNEL_INLINE void add_scaled(float factor, const Lanes<Width>& x, Lanes<Width>& sums) {
#pragma GCC unroll 4
  for (int p = 0; p < Lanes<Width>::kParts; ++p) sums.parts[p] += x.parts[p] * factor;
}

// Rows [i, i + Rows) and columns [j, j + Columns) of a block: of at most `kSummed` products each.
template <class Tiling>
KEDIT_KERNEL_INLINE void add_tile(const float* a, const float* b, std::int64_t count,
                                  float* block) {
  constexpr int kRows = Tiling::kRows;
  constexpr int kColumns = Tiling::kColumns;
  Lanes<Tiling::kWidth> sums[kRows][kColumns] = {};
  Lanes<Tiling::kWidth> key[kColumns];
  for (std::int64_t row = 0; row < count; ++row, a += kPanel, b += kPanel) {
#pragma GCC unroll 2
    for (int c = 0; c < kColumns; ++c) load(b + c * kLanes, key[c]);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kColumns; ++c) add_scaled(a[r], key[c], sums[r][c]);
    }
  }
  Lanes<Tiling::kWidth> earlier;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < kColumns; ++c) {
      float* to = block + r * kPanel + c * kLanes;
      load(to, earlier);
      add(earlier, sums[r][c]);
      store(sums[r][c], to);
    }
  }
}

// block [kPanel, kPanel] = a^T b over `count` rows of two panels.
template <class Tiling>
KEDIT_KERNEL_INLINE void multiply_panels(const float* a, const float* b, std::int64_t count,
                                         float* block) {
  std::fill(block, block + kPanel * kPanel, 0.0F);
  for (std::int64_t first = 0; first < count; first += kSummed) {
    const std::int64_t rows = std::min(kSummed, count - first);
    for (std::int64_t i = 0; i < kPanel; i += Tiling::kRows) {
      for (std::int64_t j = 0; j < kPanel; j += Tiling::kColumns * kLanes) {
        add_tile<Tiling>(a + first * kPanel + i, b + first * kPanel + j, rows,
                         block + i * kPanel + j);
      }
    }
  }
}

KEDIT_KERNEL_INLINE void add_block(const float* __restrict__ block, std::int64_t a, std::int64_t b,
                                   std::int64_t dim, double* __restrict__ moment) {
  const std::int64_t rows = std::min(kPanel, dim - a * kPanel);
  const std::int64_t columns = std::min(kPanel, dim - b * kPanel);
  for (std::int64_t i = 0; i < rows; ++i) {
    double* to = moment + (a * kPanel + i) * dim + b * kPanel;
    for (std::int64_t j = 0; j < columns; ++j) {
      to[j] += static_cast<double>(block[i * kPanel + j]);
    }
  }
}

// The upper triangle, blocks of every `step`-th group of panels from `first` on.
template <class Tiling>
KEDIT_KERNEL_INLINE void add_groups(const float* panels, std::int64_t count, std::int64_t dim,
                                    std::int64_t first, std::int64_t step, double* moment) {
  const std::int64_t panel_count = (dim + kPanel - 1) / kPanel;
  float block[kPanel * kPanel];
  for (std::int64_t begin = first * kGroup; begin < panel_count; begin += step * kGroup) {
    const std::int64_t end = std::min(begin + kGroup, panel_count);
    for (std::int64_t b = begin; b < panel_count; ++b) {
      for (std::int64_t a = begin; a < std::min(end, b + 1); ++a) {
        multiply_panels<Tiling>(panels + a * kChunk * kPanel, panels + b * kChunk * kPanel, count,
                                block);
        add_block(block, a, b, dim, moment);
      }
    }
  }
}

KEDIT_TARGET_AVX512 void add_groups_avx512(const float* panels, std::int64_t count,
                                           std::int64_t dim, std::int64_t first, std::int64_t step,
                                           double* moment) {
  add_groups<TilingAvx512>(panels, count, dim, first, step, moment);
}

KEDIT_TARGET_AVX2 void add_groups_avx2(const float* panels, std::int64_t count, std::int64_t dim,
                                       std::int64_t first, std::int64_t step, double* moment) {
  add_groups<TilingAvx2>(panels, count, dim, first, step, moment);
}

void add_groups_best(const float* panels, std::int64_t count, std::int64_t dim, std::int64_t first,
                     std::int64_t step, double* moment) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return add_groups_avx512(panels, count, dim, first, step, moment);
    case InstructionSet::avx2:
      return add_groups_avx2(panels, count, dim, first, step, moment);
    case InstructionSet::plain:
      return add_groups<TilingPlain>(panels, count, dim, first, step, moment);
  }
}

}  // namespace

void accumulate_second_moment(const float* keys, std::int64_t count, std::int64_t dim,
                              double* moment, int threads) {
  if (count < 0 || dim < 0) {
    throw std::invalid_argument("second moment: expected sizes of at least 0, found [" +
                                std::to_string(count) + ", " + std::to_string(dim) + "]");
  }
  if (count == 0 || dim == 0) return;
  const std::int64_t panel_count = (dim + kPanel - 1) / kPanel;
  const std::int64_t groups = (panel_count + kGroup - 1) / kGroup;
  const std::int64_t workers = std::clamp<std::int64_t>(threads, 1, groups);
  std::vector<float> panels(static_cast<std::size_t>(panel_count * kChunk * kPanel));
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const std::int64_t rows = std::min(kChunk, count - first);
    pack(keys + first * dim, rows, dim, panels);
    run_workers(workers, [&](std::int64_t worker) {
      add_groups_best(panels.data(), rows, dim, worker, workers, moment);
    });
  }
}

void mirror_upper_triangle(double* moment, std::int64_t dim) {
  for (std::int64_t i = 0; i < dim; ++i) {
    for (std::int64_t j = 0; j < i; ++j) moment[i * dim + j] = moment[j * dim + i];
  }
}

}  // namespace kedit::kernels
