#include "model/adapters/low_rank.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

namespace kedit::adapters {
namespace {

constexpr std::int64_t kFirstWidth = 16;

// An orthonormal basis [rows, width] of most of what the columns of `matrix` span.
at::Tensor range_of(const at::Tensor& matrix, std::int64_t width) {
  const at::Generator generator = at::detail::createCPUGenerator(0);
  const auto orthonormal = [](const at::Tensor& columns) {
    return std::get<0>(at::linalg_qr(columns, "reduced"));
  };
  at::Tensor basis =
      orthonormal(at::matmul(matrix, at::randn({matrix.size(1), width}, generator, at::kDouble)));
  return orthonormal(at::matmul(matrix, orthonormal(at::matmul(matrix.t(), basis))));
}

// How many singular values must stay so that the rest and `residual` together are within the
// tolerance.
std::int64_t rank_within(const at::Tensor& singular, double residual, double tolerance) {
  const auto* values = singular.const_data_ptr<double>();
  double left_out = residual * residual;
  std::int64_t rank = singular.numel();
  while (rank > 1) {
    left_out += values[rank - 1] * values[rank - 1];
    if (left_out > tolerance * tolerance) break;
    --rank;
  }
  return rank;
}

at::Tensor stored(const at::Tensor& factor) { return factor.to(at::kFloat).contiguous(); }

}  // namespace

double rounding_error(c10::ScalarType dtype) {
  if (dtype == at::kBFloat16) return std::ldexp(1.0, -8);
  return std::ldexp(1.0, dtype == at::kHalf ? -11 : -24);
}

std::int64_t largest_saving_rank(std::int64_t rows, std::int64_t cols) {
  return (rows * cols - 1) / (rows + cols);
}

LowRank with_identity(const at::Tensor& change) {
  const at::Tensor matrix = stored(change);
  if (matrix.size(0) <= matrix.size(1)) return {at::eye(matrix.size(0), at::kFloat), matrix};
  return {matrix, at::eye(matrix.size(1), at::kFloat)};
}

std::optional<LowRank> find_low_rank(const at::Tensor& change, double tolerance,
                                     std::int64_t most_rank) {
  const at::Tensor matrix = change.to(at::kDouble);
  const std::int64_t widest = std::min({matrix.size(0), matrix.size(1), most_rank});
  for (std::int64_t width = std::min(kFirstWidth, widest); width > 0;
       width = std::min(2 * width, widest)) {
    const at::Tensor basis = range_of(matrix, width);
    const at::Tensor coordinates = at::matmul(basis.t(), matrix);  // [width, cols]
    const double residual = (matrix - at::matmul(basis, coordinates)).norm().item<double>();
    if (residual > tolerance) {
      if (width == widest) break;
      continue;
    }
    const auto [u, singular, vh] = at::linalg_svd(coordinates, false);
    const std::int64_t rank = rank_within(singular, residual, tolerance);
    const at::Tensor roots = singular.slice(0, 0, rank).sqrt();  // an equal share for both factors
    return LowRank{stored(at::matmul(basis, u.slice(1, 0, rank)) * roots),
                   stored(roots.unsqueeze(1) * vh.slice(0, 0, rank))};
  }
  return std::nullopt;
}

}  // namespace kedit::adapters
