#pragma once

#include "editors/locate/moment_source.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace kedit::locate {

/// Directions that a layer's keys hardly ever take (AlphaEdit, section 3.2): the eigenvectors of C
/// whose eigenvalue lies below a threshold. P = basis basis^T projects onto them.
struct NullSpace {
  at::Tensor basis;        ///< [m, rank] float32, CPU, contiguous; orthonormal columns
  double threshold = 0.0;  ///< nullspace_threshold, absolute, on C = S / count
  at::Tensor eigenvalues;  ///< [m] float64, CPU, ascending: all of C's

  std::int64_t width() const { return basis.size(0); }
  std::int64_t rank() const { return basis.size(1); }
  /// "1.2e-09 to 3.4 (median 0.0012)": what a threshold is chosen by.
  std::string eigenvalue_range() const;
};

/// Eigenvalues and eigenvectors of C by a symmetric eigensolver, on the device of
/// `second_moment`, in float64 up to 8192 components and in float32 above (where float64 would
/// take a quarter of an hour and 6 GB). Throws `StatisticsError` for a matrix that is not square
/// and finite, or has an eigenvalue so negative that it is no second moment.
NullSpace null_space(const at::Tensor& second_moment, double threshold);

/// The null space of a layer's second moment, found as `find_second_moment` finds that. The
/// eigenvectors are kept in the cache under the content of the matrix, whatever the threshold.
/// Throws `StatisticsError` telling the range of eigenvalues when none lies below the threshold;
/// warns when all do, since nothing is protected then.
NullSpace null_space_of(const Model& model, std::int64_t layer, const MomentSource& source,
                        double threshold, const RunContext& run);

/// The same of a matrix at hand, without the checks of the rank.
NullSpace cached_null_space(const at::Tensor& second_moment, double threshold,
                            const std::filesystem::path& cache, const RunContext& run);

}  // namespace kedit::locate
