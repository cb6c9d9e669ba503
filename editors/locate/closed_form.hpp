#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace kedit::locate {

/// The Cholesky factor of C + ridge * mean(diag C) * I in float64, made once and used for every
/// edit of a layer. Immutable; copies share the factor.
class MomentFactor {
 public:
  /// second_moment: [m, m], symmetric. Throws `EditError` when it is not positive definite (too few
  /// texts: fewer keys than m), and says what to do.
  static MomentFactor factorise(const at::Tensor& second_moment, double ridge = 0.0);
  /// C = I: solving is the identity (`mom2_adjustment: false`).
  static MomentFactor identity();

  /// C^-1 rhs in float64. rhs: [m] or [m, n], any float type, CPU.
  at::Tensor solve(const at::Tensor& rhs) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;  // null: identity
};

/// ROME's rank-one change: W' k = W k + right * (direction . k).
struct RankOne {
  at::Tensor direction;  ///< [m] float32 on the CPU: u = C^-1 kbar / |C^-1 kbar|
  at::Tensor right;      ///< [d] float32 on the CPU: (v* - w0) / (k0 . u)
};

/// u = C^-1 kbar / |.|, ROME eq. 2 without its scale, which cancels. mean_key: [m].
at::Tensor edit_direction(const MomentFactor& factor, const at::Tensor& mean_key);

/// (v* - w0) / (k0 . u), so that exactly W' k0 + b = v*. All float64 inside. Throws `EditError`
/// when k0 . u is zero.
at::Tensor right_vector(const at::Tensor& target_value, const at::Tensor& current_value,
                        const at::Tensor& key, const at::Tensor& direction);

}  // namespace kedit::locate
