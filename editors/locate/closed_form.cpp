#include "editors/locate/closed_form.hpp"

#include "editors/editor.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace kedit::locate {
namespace {

at::Tensor as_double(const at::Tensor& tensor) { return tensor.detach().to(at::kDouble); }

at::Tensor identity_like(const at::Tensor& square) {
  return at::eye(square.size(0), square.options());
}

/// Lower Cholesky factor of a symmetric positive definite matrix; undefined when it is not one.
at::Tensor cholesky_factor(const at::Tensor& matrix) {
  const auto [factor, info] = at::linalg_cholesky_ex(matrix);
  const bool fine =
      info.item<std::int32_t>() == 0 && at::isfinite(factor.diagonal()).all().item<bool>();
  return fine ? factor : at::Tensor();
}

/// rhs as a matrix of columns, solved and given back in its own shape.
at::Tensor solve_with(const at::Tensor& factor, const at::Tensor& rhs) {
  if (rhs.dim() == 2) return at::cholesky_solve(rhs, factor);
  return at::cholesky_solve(rhs.unsqueeze(1), factor).squeeze(1);
}

/// A^-1 rhs for A = shift I + gram, gram positive semidefinite.
at::Tensor solve_shifted(const at::Tensor& gram, double shift, const at::Tensor& rhs,
                         const char* what) {
  const at::Tensor factor = cholesky_factor(gram + shift * identity_like(gram));
  if (factor.defined()) return solve_with(factor, rhs);
  throw EditError(
      fmt::format("solving for {}: expected a positive definite system, found a singular one; "
                  "raise mom2_update_weight or L2",
                  what));
}

}  // namespace

MomentFactor MomentFactor::factorise(const at::Tensor& second_moment, double ridge) {
  if (second_moment.dim() != 2 || second_moment.size(0) != second_moment.size(1)) {
    throw StatisticsError("factorising a second moment: expected a square matrix");
  }
  at::Tensor c = as_double(second_moment);
  if (ridge > 0.0) c = c + ridge * c.diagonal().mean() * identity_like(c);
  MomentFactor made;
  made.factor_ = cholesky_factor(c);
  if (made.factor_.defined()) return made;
  throw StatisticsError(fmt::format(
      "factorising the second moment of {} key components: expected a positive definite matrix, "
      "found a singular one; collect statistics over more text, or set mom2_ridge to 0.01",
      second_moment.size(0)));
}

MomentFactor MomentFactor::identity() { return {}; }

at::Tensor MomentFactor::matrix() const { return factor_.matmul(factor_.t()); }

at::Tensor MomentFactor::solve(const at::Tensor& rhs) const {
  const at::Tensor right = as_double(rhs);
  if (is_identity()) return right.clone();
  if (right.size(0) != factor_.size(0)) {
    throw StatisticsError(
        fmt::format("solving with a second moment: expected keys of {} components, found {}",
                    factor_.size(0), right.size(0)));
  }
  return solve_with(factor_, right.to(factor_.device())).to(rhs.device());
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

at::Tensor least_squares_directions(const MomentFactor& factor, const at::Tensor& keys,
                                    double lambda) {
  const at::Tensor k = as_double(keys).t();  // [m, n]
  const std::int64_t m = k.size(0);
  const std::int64_t n = k.size(1);
  if (lambda > 0.0 && (factor.is_identity() || 3 * n < m)) {
    // X = B (I + K^T B)^-1 with B = (lambda C)^-1 K, and the small matrix symmetric.
    const at::Tensor b = factor.solve(k) / lambda;
    const at::Tensor gram = k.t().matmul(b);
    return solve_shifted((gram + gram.t()) / 2, 1.0, b.t(), "the update").to(at::kFloat);
  }
  at::Tensor system = k.matmul(k.t());
  if (factor.is_identity()) {
    system = system + lambda * identity_like(system);
  } else {
    system = system + lambda * factor.matrix();
  }
  return solve_shifted(system, 0.0, k, "the update").t().to(at::kFloat);
}

at::Tensor null_space_directions(const at::Tensor& basis, const at::Tensor& keys,
                                 const at::Tensor& earlier, double l2) {
  const at::Tensor u = as_double(basis).to(keys.device());
  const at::Tensor now = as_double(keys).matmul(u);  // [n, rank]
  at::Tensor all = now;
  if (earlier.defined()) all = at::cat({as_double(earlier).to(keys.device()).matmul(u), now});
  const std::int64_t n = now.size(0);
  const std::int64_t q = all.size(0);
  at::Tensor projected;  // [n, rank]: rows y_i, so that x_i = U y_i
  if (q <= u.size(1)) {
    // Y = Ka (l2 I + Ka^T Ka)^-1 [0; I] with Ka's columns the keys.
    const at::Tensor now_only = at::eye(q, all.options()).narrow(1, q - n, n);
    projected = solve_shifted(all.matmul(all.t()), l2, now_only, "the update").t().matmul(all);
  } else {
    projected = solve_shifted(all.t().matmul(all), l2, now.t(), "the update").t();
  }
  return projected.matmul(u.t()).to(at::kFloat);
}

}  // namespace kedit::locate
