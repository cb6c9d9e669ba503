#include "editors/locate/closed_form.hpp"

#include "editors/editor.hpp"

#include <ATen/ATen.h>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <fmt/format.h>

namespace kedit::locate {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;

at::Tensor as_double(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kDouble).contiguous();
}

}  // namespace

struct MomentFactor::Impl {
  Eigen::LLT<Eigen::MatrixXd> cholesky;
};

MomentFactor MomentFactor::factorise(const at::Tensor& second_moment, double ridge) {
  if (second_moment.dim() != 2 || second_moment.size(0) != second_moment.size(1)) {
    throw StatisticsError("factorising a second moment: expected a square matrix");
  }
  at::Tensor c = as_double(second_moment);
  if (ridge > 0.0) c = c + ridge * c.diagonal().mean() * at::eye(c.size(0), c.options());
  const std::int64_t m = c.size(0);
  const Eigen::MatrixXd matrix = MatrixView(c.data_ptr<double>(), m, m);

  auto impl = std::make_shared<Impl>();
  impl->cholesky.compute(matrix);
  if (impl->cholesky.info() != Eigen::Success || !impl->cholesky.matrixLLT().allFinite()) {
    throw StatisticsError(fmt::format(
        "factorising the second moment of {} key components: expected a positive definite matrix, "
        "found a singular one; collect statistics over more text, or set mom2_ridge to 0.01",
        m));
  }
  MomentFactor factor;
  factor.impl_ = std::move(impl);
  return factor;
}

MomentFactor MomentFactor::identity() { return {}; }

at::Tensor MomentFactor::solve(const at::Tensor& rhs) const {
  at::Tensor solution = as_double(rhs).clone();
  if (!impl_) return solution;
  const std::int64_t m = solution.size(0);
  if (m != impl_->cholesky.rows()) {
    throw StatisticsError(
        fmt::format("solving with a second moment: expected keys of {} components, found {}",
                    impl_->cholesky.rows(), m));
  }
  MatrixView view(solution.data_ptr<double>(), m, solution.dim() == 1 ? 1 : solution.size(1));
  view = impl_->cholesky.solve(Eigen::MatrixXd(view));
  return solution;
}

at::Tensor edit_direction(const MomentFactor& factor, const at::Tensor& mean_key) {
  const at::Tensor solved = factor.solve(mean_key);
  return (solved / solved.norm()).to(at::kFloat);
}

at::Tensor right_vector(const at::Tensor& target_value, const at::Tensor& current_value,
                        const at::Tensor& key, const at::Tensor& direction) {
  const double product = as_double(key).dot(as_double(direction)).item<double>();
  if (product == 0.0) {
    throw EditError(
        "solving for the right vector: k0 . u is zero, so no change along u can move this key");
  }
  return ((as_double(target_value) - as_double(current_value)) / product).to(at::kFloat);
}

}  // namespace kedit::locate
