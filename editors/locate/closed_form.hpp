#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kedit::locate {

/// The closed forms of the locate-then-edit papers. Keys come as rows, [n, m]; m: inner width of
/// the MLP, d: hidden width, n: edits of a batch. Everything is computed in float64 on the device
/// of the statistics, through Cholesky factors: no inverse is formed, and no matrix of [m, m] is
/// factorised where one of [n, n] will do. Results are float32.

/// C + ridge * mean(diag C) * I with its Cholesky factor in float64, made once and used for every
/// edit of a layer. Immutable; copies share the factor.
class MomentFactor {
 public:
  /// second_moment: [m, m], symmetric. Throws `StatisticsError` when it is not positive definite
  /// (too few texts: fewer keys than m), and says what to do.
  static MomentFactor factorise(const at::Tensor& second_moment, double ridge = 0.0);
  /// C = I: solving is the identity (`mom2_adjustment: false`).
  static MomentFactor identity();

  /// C^-1 rhs in float64, on rhs's device. rhs: [m] or [m, n], any float type.
  at::Tensor solve(const at::Tensor& rhs) const;

  bool is_identity() const { return !factor_.defined(); }
  at::Tensor matrix() const;  ///< C with its ridge again, [m, m] float64; not of the identity

 private:
  at::Tensor factor_;  // [m, m] float64, lower; undefined: identity
};

/// u = C^-1 kbar / |.|, ROME eq. 2 without its scale, which cancels. mean_key: [m].
at::Tensor edit_direction(const MomentFactor& factor, const at::Tensor& mean_key);

/// (v* - w0) / (k0 . u), so that exactly W' k0 + b = v*. Throws `EditError` when k0 . u is zero.
at::Tensor right_vector(const at::Tensor& target_value, const at::Tensor& current_value,
                        const at::Tensor& key, const at::Tensor& direction);

/// MEMIT, eq. 14: the rows x_i of X^T, X = (lambda C + K^T K)^-1 K^T for keys as rows, so that the
/// change R^T X^T answers key i with residual r_i in the least-squares sense. [n, m] float32. By
/// Woodbury's identity on C's factor while n < m / 3, else by a factor of the sum.
at::Tensor least_squares_directions(const MomentFactor& factor, const at::Tensor& keys,
                                    double lambda);

/// AlphaEdit, eq. 14 of its paper in the form its program computes: the rows of X^T, X the solution
/// of (P (K^T K + Kp^T Kp) + l2 I) X = P K^T, P = U U^T. basis: U [m, rank]; earlier: Kp [q, m]
/// keys of earlier batches, or undefined. [n, m] float32. Symmetric in U's coordinates; in the
/// coordinates of the keys where these are fewer than `rank`.
at::Tensor null_space_directions(const at::Tensor& basis, const at::Tensor& keys,
                                 const at::Tensor& earlier, double l2);

}  // namespace kedit::locate
