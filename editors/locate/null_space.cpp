#include "editors/locate/null_space.hpp"

#include "editors/editor.hpp"
#include "edits/hash.hpp"
#include "model/checkpoint/safetensors.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWidestDouble = 8192;

/// C = vectors diag(values) vectors^T.
struct EigenBasis {
  at::Tensor values;   // [m] float64, ascending
  at::Tensor vectors;  // [m, m] float32, a column each
};

void check_square(const at::Tensor& c) {
  if (c.dim() != 2 || c.size(0) != c.size(1) || c.size(0) == 0) {
    throw StatisticsError("finding a null space: expected a square second moment, found another");
  }
  if (!at::isfinite(c).all().item<bool>()) {
    throw StatisticsError(
        "finding a null space: expected a finite second moment, found NaN or infinity");
  }
}

// Rounding leaves eigenvalues slightly below zero, no more.
void check_nonnegative(const at::Tensor& values) {
  const double least = values[0].item<double>();
  const double largest = values[-1].item<double>();
  if (largest > 0.0 && least > -1e-3 * largest) return;
  throw StatisticsError(
      fmt::format("finding a null space: expected a second moment, which has no negative "
                  "eigenvalues, found {:.3g} to {:.3g}",
                  least, largest));
}

EigenBasis eigen_basis(const at::Tensor& second_moment) {
  const c10::NoGradGuard no_grad;
  check_square(second_moment);
  const auto precise = second_moment.size(0) <= kWidestDouble ? at::kDouble : at::kFloat;
  auto [values, vectors] = at::linalg_eigh(second_moment.detach().to(precise));
  values = values.to(at::kCPU, at::kDouble).contiguous();
  check_nonnegative(values);
  return {values, vectors.to(at::kCPU, at::kFloat).contiguous()};
}

NullSpace below(const EigenBasis& basis, double threshold) {
  const auto rank = (basis.values < threshold).sum().item<std::int64_t>();
  return {basis.vectors.narrow(1, 0, rank).contiguous(), threshold, basis.values};
}

fs::path file_of(const at::Tensor& matrix, const fs::path& cache) {
  Sha256 hash;
  hash.update(fmt::format("{} {}\n", c10::toString(matrix.scalar_type()), matrix.size(0)));
  hash.update(matrix.data_ptr(), matrix.nbytes());
  return cache / "null-space" / fmt::format("{}.safetensors", hash.hex().substr(0, 32));
}

/// Nothing where there is no such file, or one of other shapes: it is then made anew.
std::optional<EigenBasis> read_basis(const fs::path& file, std::int64_t width) {
  std::error_code unreachable;
  if (!fs::exists(file, unreachable)) return std::nullopt;
  const auto tensors = checkpoint::SafetensorsFile::open(file);
  if (!tensors.contains("eigenvalues") || !tensors.contains("eigenvectors")) return std::nullopt;
  EigenBasis basis{tensors.tensor("eigenvalues"), tensors.tensor("eigenvectors")};
  const bool usable = basis.values.sizes() == at::IntArrayRef{width} &&
                      basis.vectors.sizes() == at::IntArrayRef({width, width}) &&
                      basis.values.scalar_type() == at::kDouble &&
                      basis.vectors.scalar_type() == at::kFloat;
  if (!usable) return std::nullopt;
  return basis;
}

void keep_basis(const fs::path& file, const EigenBasis& basis, const RunContext& run) try {
  fs::create_directories(file.parent_path());
  checkpoint::write_safetensors(file,
                                {{"eigenvalues", basis.values}, {"eigenvectors", basis.vectors}});
} catch (const std::exception& error) {
  run.warning(
      fmt::format("the null space could not be kept for the next time ({}); $KEDIT_CACHE "
                  "names another directory",
                  error.what()));
}

}  // namespace

std::string NullSpace::eigenvalue_range() const {
  const std::int64_t m = eigenvalues.size(0);
  return fmt::format("{:.3g} to {:.3g} (median {:.3g})", eigenvalues[0].item<double>(),
                     eigenvalues[m - 1].item<double>(), eigenvalues[m / 2].item<double>());
}

NullSpace null_space(const at::Tensor& second_moment, double threshold) {
  return below(eigen_basis(second_moment), threshold);
}

NullSpace cached_null_space(const at::Tensor& second_moment, double threshold,
                            const fs::path& cache, const RunContext& run) {
  const at::Tensor matrix = second_moment.to(at::kCPU).contiguous();
  const fs::path file = file_of(matrix, cache);
  auto basis = read_basis(file, matrix.size(0));
  if (!basis) {
    basis = eigen_basis(second_moment);
    keep_basis(file, *basis, run);
  }
  return below(*basis, threshold);
}

NullSpace null_space_of(const Model& model, std::int64_t layer, const MomentSource& source,
                        double threshold, const RunContext& run) {
  const at::Tensor moment = find_second_moment(model, layer, source, run).matrix;
  NullSpace space = cached_null_space(moment, threshold, cache_directory(), run);
  if (space.rank() == 0) {
    throw StatisticsError(fmt::format(
        "finding the null space of layer {}: expected eigenvalues of the second moment below {}, "
        "found {}; set nullspace_threshold higher",
        layer, threshold, space.eigenvalue_range()));
  }
  if (space.rank() == space.width()) {
    run.warning(fmt::format(
        "all eigenvalues of layer {}'s second moment, {}, lie below the nullspace_threshold of {}, "
        "so that the edit spares no direction; set a lower one",
        layer, space.eigenvalue_range(), threshold));
  }
  return space;
}

}  // namespace kedit::locate
