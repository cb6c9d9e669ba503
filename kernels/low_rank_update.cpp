#include "kernels/low_rank_update.hpp"

#include "kernels/checks.hpp"
#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/stream_copy.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

namespace kedit::kernels {
namespace {

// One product column of left with one row of right, or a dense term (left empty: coefficient 1).
struct Strand {
  const float* left;  // element i at left[i * left_stride]
  std::int64_t left_stride;
  const float* right;  // element (i, j) at right[i * right_stride + j]
  std::int64_t right_stride;

  float coefficient(std::int64_t row) const {
    return left == nullptr ? 1.0F : left[row * left_stride];
  }
  const float* columns(std::int64_t row) const { return right + row * right_stride; }
};

std::vector<Strand> strands_of(const std::vector<UpdateTerm>& terms, std::int64_t cols) {
  std::vector<Strand> strands;
  for (const auto& term : terms) {
    if (term.dense != nullptr) {
      strands.push_back({nullptr, 0, term.dense, cols});
      continue;
    }
    const auto& [left, right, rank] = term.low_rank;
    for (std::int64_t r = 0; r < rank; ++r)
      strands.push_back({left + r, rank, right + r * cols, 0});
  }
  return strands;
}

// Columns whose running sums stay in the first-level cache, rows that share the right factors
// there.
constexpr std::int64_t kBlockCols = 1024;
constexpr std::int64_t kBlockRows = 16;

KEDIT_KERNEL_INLINE void add_strands(const std::vector<Strand>& strands, std::int64_t row,
                                     std::int64_t first_col, std::int64_t count,
                                     float* __restrict__ sum) {
  std::size_t s = 0;
  for (; s + 4 <= strands.size(); s += 4) {
    const float c0 = strands[s].coefficient(row), c1 = strands[s + 1].coefficient(row);
    const float c2 = strands[s + 2].coefficient(row), c3 = strands[s + 3].coefficient(row);
    const float* __restrict__ p0 = strands[s].columns(row) + first_col;
    const float* __restrict__ p1 = strands[s + 1].columns(row) + first_col;
    const float* __restrict__ p2 = strands[s + 2].columns(row) + first_col;
    const float* __restrict__ p3 = strands[s + 3].columns(row) + first_col;
    for (std::int64_t j = 0; j < count; ++j) {
      sum[j] = std::fma(c3, p3[j],
                        std::fma(c2, p2[j], std::fma(c1, p1[j], std::fma(c0, p0[j], sum[j]))));
    }
  }
  for (; s < strands.size(); ++s) {
    const float c = strands[s].coefficient(row);
    const float* __restrict__ p = strands[s].columns(row) + first_col;
    for (std::int64_t j = 0; j < count; ++j) sum[j] = std::fma(c, p[j], sum[j]);
  }
}

template <class T>
KEDIT_KERNEL_INLINE void update_rows(const T* base, T* out, std::int64_t first_row,
                                     std::int64_t last_row, std::int64_t cols,
                                     const std::vector<Strand>& strands, bool streaming) {
  alignas(64) float sum[kBlockCols];
  alignas(64) T rounded[kBlockCols];
  for (std::int64_t tile = first_row; tile < last_row; tile += kBlockRows) {
    const std::int64_t tile_end = std::min(tile + kBlockRows, last_row);
    for (std::int64_t col = 0; col < cols; col += kBlockCols) {
      const std::int64_t count = std::min(kBlockCols, cols - col);
      for (std::int64_t row = tile; row < tile_end; ++row) {
        const T* __restrict__ from = base + row * cols + col;
        std::fill(sum, sum + count, 0.0F);
        add_strands(strands, row, col, count, sum);
        for (std::int64_t j = 0; j < count; ++j)
          rounded[j] = round_to<T>(to_float(from[j]) + sum[j]);
        const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
        if (streaming) {
          stream_copy(out + row * cols + col, rounded, bytes);
        } else {
          std::memcpy(out + row * cols + col, rounded, bytes);
        }
      }
    }
  }
}

// The same code for three instruction sets: fused multiply-add is exact on all of them, so results
// are equal to the bit.
template <class T>
KEDIT_TARGET_AVX512 void update_rows_avx512(const T* base, T* out, std::int64_t first_row,
                                            std::int64_t last_row, std::int64_t cols,
                                            const std::vector<Strand>& strands, bool streaming) {
  update_rows(base, out, first_row, last_row, cols, strands, streaming);
}

template <class T>
KEDIT_TARGET_AVX2 void update_rows_avx2(const T* base, T* out, std::int64_t first_row,
                                        std::int64_t last_row, std::int64_t cols,
                                        const std::vector<Strand>& strands, bool streaming) {
  update_rows(base, out, first_row, last_row, cols, strands, streaming);
}

template <class T>
void update_rows_plain(const T* base, T* out, std::int64_t first_row, std::int64_t last_row,
                       std::int64_t cols, const std::vector<Strand>& strands, bool streaming) {
  update_rows(base, out, first_row, last_row, cols, strands, streaming);
}

template <class T>
auto row_updater() {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return &update_rows_avx512<T>;
    case InstructionSet::avx2:
      return &update_rows_avx2<T>;
    case InstructionSet::plain:
      break;
  }
  return &update_rows_plain<T>;
}

template <class T>
void update_typed(const void* base, void* out, std::int64_t rows, std::int64_t cols,
                  const std::vector<UpdateTerm>& terms, int threads) {
  const auto strands = strands_of(terms, cols);
  const auto updater = row_updater<T>();
  const auto* from = static_cast<const T*>(base);
  auto* to = static_cast<T*>(out);
  const auto bytes = static_cast<std::size_t>(rows * cols) * sizeof(T);
  const bool streaming = base != out && bytes >= kStreamFrom;
  const std::int64_t workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(rows, 1));
  const auto run = [&](std::int64_t worker) {
    updater(from, to, rows * worker / workers, rows * (worker + 1) / workers, cols, strands,
            streaming);
    if (streaming) stream_fence();
  };
  std::vector<std::thread> others;
  for (std::int64_t worker = 1; worker < workers; ++worker) others.emplace_back(run, worker);
  run(0);
  for (auto& other : others) other.join();
}

template <class T>
void reference_typed(const void* base, void* out, std::int64_t rows, std::int64_t cols,
                     const std::vector<UpdateTerm>& terms) {
  const auto* from = static_cast<const T*>(base);
  auto* to = static_cast<T*>(out);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      float sum = 0.0F;
      for (const auto& term : terms) {
        if (term.dense != nullptr) sum += term.dense[i * cols + j];
        for (std::int64_t r = 0; r < term.low_rank.rank; ++r) {
          sum = std::fma(term.low_rank.left[i * term.low_rank.rank + r],
                         term.low_rank.right[r * cols + j], sum);
        }
      }
      to[i * cols + j] = round_to<T>(to_float(from[i * cols + j]) + sum);
    }
  }
}

void copy_matrix(const void* base, void* out, WeightType type, std::int64_t rows,
                 std::int64_t cols) {
  if (base == out || rows * cols == 0) return;
  std::memcpy(out, base, static_cast<std::size_t>(rows * cols * bytes_per_element(type)));
}

}  // namespace

void low_rank_update(const void* base, void* out, WeightType type, std::int64_t rows,
                     std::int64_t cols, const std::vector<UpdateTerm>& terms, int threads) {
  check_update(base, out, rows, cols, terms);
  if (terms.empty()) return copy_matrix(base, out, type, rows, cols);
  switch (type) {
    case WeightType::float32:
      return update_typed<float>(base, out, rows, cols, terms, threads);
    case WeightType::bfloat16:
      return update_typed<Bfloat16>(base, out, rows, cols, terms, threads);
    case WeightType::float16:
      return update_typed<Float16>(base, out, rows, cols, terms, threads);
  }
}

void low_rank_update_reference(const void* base, void* out, WeightType type, std::int64_t rows,
                               std::int64_t cols, const std::vector<UpdateTerm>& terms) {
  check_update(base, out, rows, cols, terms);
  if (terms.empty()) return copy_matrix(base, out, type, rows, cols);
  switch (type) {
    case WeightType::float32:
      return reference_typed<float>(base, out, rows, cols, terms);
    case WeightType::bfloat16:
      return reference_typed<Bfloat16>(base, out, rows, cols, terms);
    case WeightType::float16:
      return reference_typed<Float16>(base, out, rows, cols, terms);
  }
}

}  // namespace kedit::kernels
