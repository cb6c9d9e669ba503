#include "kernels/low_rank_update.hpp"

#include "kernels/checks.hpp"
#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"
#include "kernels/stream_copy.hpp"
#include "kernels/workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

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

// A block of rows x columns whose running sums stay in registers. Several rows at once share every
// load of the right factor and keep several streams of memory in flight, as a good copy does.
constexpr std::int64_t kBlockCols = 32;

// sums[i][j] = the terms' sum at (row + i, col + j), strands in order. `count` columns are used.
template <std::int64_t kRows>
KEDIT_KERNEL_INLINE void sum_block(const Strand* strands, std::int64_t strand_count,
                                   std::int64_t row, std::int64_t col, std::int64_t count,
                                   float (&sums)[kRows][kBlockCols]) {
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t j = 0; j < kBlockCols; ++j) sums[i][j] = 0.0F;
  }
  for (std::int64_t s = 0; s < strand_count; ++s) {
    for (std::int64_t i = 0; i < kRows; ++i) {
      const float coefficient = strands[s].coefficient(row + i);
      const float* __restrict__ right = strands[s].columns(row + i) + col;
      for (std::int64_t j = 0; j < count; ++j) {
        sums[i][j] = std::fma(coefficient, right[j], sums[i][j]);
      }
    }
  }
}

// Adds the base, rounds once, writes.
template <class T, std::int64_t kRows>
KEDIT_KERNEL_INLINE void write_block(const T* base, T* out, std::int64_t cols, std::int64_t row,
                                     std::int64_t col, std::int64_t count, bool streaming,
                                     const float (&sums)[kRows][kBlockCols]) {
  alignas(64) T rounded[kBlockCols];
  for (std::int64_t i = 0; i < kRows; ++i) {
    const T* __restrict__ from = base + (row + i) * cols + col;
    prefetch_ahead(from, kBlockCols * sizeof(T));
    for (std::int64_t j = 0; j < count; ++j)
      rounded[j] = round_to<T>(to_float(from[j]) + sums[i][j]);
    T* to = out + (row + i) * cols + col;
    if (streaming) {
      stream_lines(to, rounded, kBlockCols * sizeof(T));
    } else {
      std::memcpy(to, rounded, static_cast<std::size_t>(count) * sizeof(T));
    }
  }
}

template <class T, std::int64_t kRows>
KEDIT_KERNEL_INLINE void update_row_group(const T* base, T* out, std::int64_t row,
                                          std::int64_t cols, const std::vector<Strand>& strands,
                                          bool streaming) {
  const auto strand_count = static_cast<std::int64_t>(strands.size());
  float sums[kRows][kBlockCols];
  std::int64_t col = 0;
  for (; col + kBlockCols <= cols; col += kBlockCols) {
    sum_block<kRows>(strands.data(), strand_count, row, col, kBlockCols, sums);
    write_block<T, kRows>(base, out, cols, row, col, kBlockCols, streaming, sums);
  }
  if (col == cols) return;
  sum_block<kRows>(strands.data(), strand_count, row, col, cols - col, sums);
  write_block<T, kRows>(base, out, cols, row, col, cols - col, false, sums);
}

template <class T, std::int64_t kRows>
KEDIT_KERNEL_INLINE void update_rows(const T* base, T* out, std::int64_t first_row,
                                     std::int64_t last_row, std::int64_t cols,
                                     const std::vector<Strand>& strands, bool streaming) {
  std::int64_t row = first_row;
  for (; row + kRows <= last_row; row += kRows) {
    update_row_group<T, kRows>(base, out, row, cols, strands, streaming);
  }
  for (; row < last_row; ++row) update_row_group<T, 1>(base, out, row, cols, strands, streaming);
}

// The same code for three instruction sets: fused multiply-add is exact on all of them, so results
// are equal to the bit.
template <class T>
KEDIT_TARGET_AVX512 void update_rows_avx512(const T* base, T* out, std::int64_t first_row,
                                            std::int64_t last_row, std::int64_t cols,
                                            const std::vector<Strand>& strands, bool streaming) {
  update_rows<T, 4>(base, out, first_row, last_row, cols, strands, streaming);
}

template <class T>
KEDIT_TARGET_AVX2 void update_rows_avx2(const T* base, T* out, std::int64_t first_row,
                                        std::int64_t last_row, std::int64_t cols,
                                        const std::vector<Strand>& strands, bool streaming) {
  update_rows<T, 2>(base, out, first_row, last_row, cols, strands, streaming);
}

template <class T>
void update_rows_plain(const T* base, T* out, std::int64_t first_row, std::int64_t last_row,
                       std::int64_t cols, const std::vector<Strand>& strands, bool streaming) {
  update_rows<T, 2>(base, out, first_row, last_row, cols, strands, streaming);
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
  // Only rows that begin on a line can be written in whole lines.
  const bool aligned =
      is_line_aligned(out) && static_cast<std::size_t>(cols) * sizeof(T) % kLine == 0;
  const bool streaming = base != out && aligned && bytes >= kStreamFrom;
  const std::int64_t workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(rows, 1));
  run_workers(workers, [&](std::int64_t worker) {
    updater(from, to, rows * worker / workers, rows * (worker + 1) / workers, cols, strands,
            streaming);
    if (streaming) stream_fence();
  });
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
