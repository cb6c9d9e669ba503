#include "kernels/second_moment.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/workers.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace kedit::kernels {
namespace {

constexpr std::int64_t kPanel = 8;  // columns of keys packed side by side
constexpr std::int64_t kChunk =
    256;  // rows summed before the total is touched; fixes the order of sums

// keys[first .. first + count) as float64 panels [panel][row][kPanel], padded with zeros.
void pack(const float* keys, std::int64_t count, std::int64_t dim, std::vector<double>& panels) {
  const std::int64_t panel_count = (dim + kPanel - 1) / kPanel;
  std::fill(panels.begin(), panels.end(), 0.0);
  for (std::int64_t panel = 0; panel < panel_count; ++panel) {
    const std::int64_t width = std::min(kPanel, dim - panel * kPanel);
    for (std::int64_t row = 0; row < count; ++row) {
      double* to = panels.data() + (panel * kChunk + row) * kPanel;
      const float* from = keys + row * dim + panel * kPanel;
      for (std::int64_t c = 0; c < width; ++c) to[c] = static_cast<double>(from[c]);
    }
  }
}

// One [kPanel, kPanel] block of K^T K, half of its rows at a time so that the sums stay in
// registers.
KEDIT_KERNEL_INLINE void multiply_block(const double* __restrict__ a, const double* __restrict__ b,
                                        std::int64_t count, double* __restrict__ block) {
  constexpr std::int64_t kHalf = kPanel / 2;
  for (std::int64_t half = 0; half < kPanel; half += kHalf) {
    double sums[kHalf][kPanel] = {};
    for (std::int64_t row = 0; row < count; ++row) {
      for (std::int64_t i = 0; i < kHalf; ++i) {
        for (std::int64_t j = 0; j < kPanel; ++j) {
          sums[i][j] += a[row * kPanel + half + i] * b[row * kPanel + j];
        }
      }
    }
    for (std::int64_t i = 0; i < kHalf; ++i) {
      for (std::int64_t j = 0; j < kPanel; ++j) block[(half + i) * kPanel + j] = sums[i][j];
    }
  }
}

KEDIT_KERNEL_INLINE void add_panel_rows(const double* panels, std::int64_t count, std::int64_t dim,
                                        std::int64_t first_panel, std::int64_t step,
                                        double* moment) {
  const std::int64_t panel_count = (dim + kPanel - 1) / kPanel;
  double block[kPanel * kPanel];
  for (std::int64_t a = first_panel; a < panel_count; a += step) {
    for (std::int64_t b = a; b < panel_count; ++b) {
      multiply_block(panels + a * kChunk * kPanel, panels + b * kChunk * kPanel, count, block);
      const std::int64_t width_a = std::min(kPanel, dim - a * kPanel);
      const std::int64_t width_b = std::min(kPanel, dim - b * kPanel);
      for (std::int64_t i = 0; i < width_a; ++i) {
        double* row = moment + (a * kPanel + i) * dim + b * kPanel;
        for (std::int64_t j = 0; j < width_b; ++j) row[j] += block[i * kPanel + j];
      }
    }
  }
}

KEDIT_TARGET_AVX512 void add_panel_rows_avx512(const double* panels, std::int64_t count,
                                               std::int64_t dim, std::int64_t first,
                                               std::int64_t step, double* moment) {
  add_panel_rows(panels, count, dim, first, step, moment);
}

KEDIT_TARGET_AVX2 void add_panel_rows_avx2(const double* panels, std::int64_t count,
                                           std::int64_t dim, std::int64_t first, std::int64_t step,
                                           double* moment) {
  add_panel_rows(panels, count, dim, first, step, moment);
}

void add_panel_rows_best(const double* panels, std::int64_t count, std::int64_t dim,
                         std::int64_t first, std::int64_t step, double* moment) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return add_panel_rows_avx512(panels, count, dim, first, step, moment);
    case InstructionSet::avx2:
      return add_panel_rows_avx2(panels, count, dim, first, step, moment);
    case InstructionSet::plain:
      return add_panel_rows(panels, count, dim, first, step, moment);
  }
}

void mirror_upper_triangle(std::int64_t dim, double* moment) {
  for (std::int64_t i = 0; i < dim; ++i) {
    for (std::int64_t j = 0; j < i; ++j) moment[i * dim + j] = moment[j * dim + i];
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
  const std::int64_t workers = std::clamp<std::int64_t>(threads, 1, panel_count);
  std::vector<double> panels(static_cast<std::size_t>(panel_count * kChunk * kPanel));
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const std::int64_t rows = std::min(kChunk, count - first);
    pack(keys + first * dim, rows, dim, panels);
    run_workers(workers, [&](std::int64_t worker) {
      add_panel_rows_best(panels.data(), rows, dim, worker, workers, moment);
    });
  }
  mirror_upper_triangle(dim, moment);
}

}  // namespace kedit::kernels
