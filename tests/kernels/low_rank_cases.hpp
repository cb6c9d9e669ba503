#pragma once

#include "kernels/low_rank_update.hpp"

#include <ATen/ATen.h>

#include <vector>

/// Matrices and terms for the tests of the update kernels, CPU and CUDA.
namespace low_rank_cases {

inline at::ScalarType dtype_of(kedit::kernels::WeightType type) {
  switch (type) {
    case kedit::kernels::WeightType::bfloat16:
      return at::kBFloat16;
    case kedit::kernels::WeightType::float16:
      return at::kHalf;
    case kedit::kernels::WeightType::float32:
      break;
  }
  return at::kFloat;
}

/// Terms of the given ranks; rank 0 stands for a dense one. Keeps the matrices alive.
struct Terms {
  std::vector<at::Tensor> matrices;
  std::vector<kedit::kernels::UpdateTerm> terms;

  Terms(const std::vector<std::int64_t>& ranks, std::int64_t rows, std::int64_t cols) {
    for (const std::int64_t rank : ranks) {
      kedit::kernels::UpdateTerm term;
      if (rank == 0) {
        term.dense = keep(at::randn({rows, cols}) * 0.1);
      } else {
        term.low_rank.left = keep(at::randn({rows, rank}));
        term.low_rank.right = keep(at::randn({rank, cols}) * 0.1);
        term.low_rank.rank = rank;
      }
      terms.push_back(term);
    }
  }

 private:
  const float* keep(const at::Tensor& matrix) {
    matrices.push_back(matrix.contiguous());
    return matrices.back().const_data_ptr<float>();
  }
};

inline bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.nbytes() == b.nbytes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace low_rank_cases
