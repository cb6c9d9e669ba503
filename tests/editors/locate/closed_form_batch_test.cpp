// MEMIT's and AlphaEdit's closed forms against the equations of their papers, solved the plain way
// in float64 by another library.
#include "editors/locate/closed_form.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/LU>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

at::Tensor random_rows(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  at::Tensor matrix = at::empty({rows, cols}, at::kFloat);
  fill_normal(matrix, 0.0, 1.0, random);
  return matrix;
}

at::Tensor moment(std::int64_t m, std::uint64_t seed = 3) {
  const at::Tensor keys = random_rows(4 * m, m, seed).to(at::kDouble);
  return keys.t().matmul(keys) / static_cast<double>(4 * m);
}

Matrix eigen_of(const at::Tensor& tensor) {
  const at::Tensor matrix = tensor.to(at::kDouble).contiguous();
  return Eigen::Map<const Matrix>(matrix.const_data_ptr<double>(), matrix.size(0), matrix.size(1));
}

at::Tensor tensor_of(const Matrix& matrix) {
  at::Tensor tensor = at::empty({matrix.rows(), matrix.cols()}, at::kDouble);
  Eigen::Map<Matrix>(tensor.mutable_data_ptr<double>(), matrix.rows(), matrix.cols()) = matrix;
  return tensor;
}

/// (lambda C + K K^T)^-1 K by LU, as MEMIT's program has it. keys: [n, m].
at::Tensor memit_by_lu(const at::Tensor& c, const at::Tensor& keys, double lambda) {
  const Matrix k = eigen_of(keys).transpose();
  const Matrix system = lambda * eigen_of(c) + k * k.transpose();
  return tensor_of(system.partialPivLu().solve(k));
}

/// (P (K K^T + Kp Kp^T) + L2 I)^-1 P K by LU, as AlphaEdit's program has it.
at::Tensor alphaedit_by_lu(const at::Tensor& basis, const at::Tensor& keys,
                           const at::Tensor& earlier, double l2) {
  const Matrix u = eigen_of(basis);
  const Matrix p = u * u.transpose();
  const Matrix k = eigen_of(keys).transpose();
  Matrix sums = k * k.transpose();
  if (earlier.defined()) {
    const Matrix before = eigen_of(earlier).transpose();
    sums += before * before.transpose();
  }
  const Matrix system = p * sums + l2 * Matrix::Identity(p.rows(), p.cols());
  return tensor_of(system.partialPivLu().solve(p * k));
}

at::Tensor first_eigenvectors(const at::Tensor& c, std::int64_t rank) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(eigen_of(c));
  return tensor_of(solver.eigenvectors().leftCols(rank)).to(at::kFloat);
}

}  // namespace

TEST_CASE("MEMIT closed form: few and many edits equal the LU solution of the paper's system") {
  const std::int64_t n = GENERATE(1, 5, 6, 7, 19, 40);  // Woodbury below m / 3, a factor above
  const double lambda = GENERATE(0.5, 30.0, 15000.0);
  CAPTURE(n, lambda);
  const at::Tensor c = moment(20);
  const at::Tensor keys = random_rows(n, 20, 4);
  const at::Tensor found = least_squares_directions(MomentFactor::factorise(c), keys, lambda);
  CHECK(found.sizes() == at::IntArrayRef({n, 20}));
  CHECK(relative_error(found.t(), memit_by_lu(c, keys, lambda)) < 1e-6);
}

TEST_CASE("MEMIT closed form: without statistics the identity takes C's place") {
  const std::int64_t n = GENERATE(3, 15);
  const at::Tensor keys = random_rows(n, 20, 4);
  CHECK(relative_error(least_squares_directions(MomentFactor::identity(), keys, 2.0).t(),
                       memit_by_lu(at::eye(20, at::kDouble), keys, 2.0)) < 1e-6);
}

TEST_CASE("MEMIT closed form: the change gives each key its residual as lambda goes to zero") {
  const at::Tensor keys = random_rows(4, 20, 4);
  const at::Tensor residuals = random_rows(4, 6, 5);
  const at::Tensor x = least_squares_directions(MomentFactor::factorise(moment(20)), keys, 1e-6);
  const at::Tensor delta = residuals.t().matmul(x);  // [d, m]
  CHECK(relative_error(delta.matmul(keys.t()), residuals.t()) < 1e-4);
}

TEST_CASE("AlphaEdit closed form: dual and primal forms equal the LU solution of the program") {
  const std::int64_t n = GENERATE(1, 4, 12);
  const std::int64_t before = GENERATE(0, 3, 30);
  CAPTURE(n, before);
  const at::Tensor basis = first_eigenvectors(moment(20), 11);
  const at::Tensor keys = random_rows(n, 20, 6);
  const at::Tensor earlier = before == 0 ? at::Tensor() : random_rows(before, 20, 7);
  const at::Tensor found = null_space_directions(basis, keys, earlier, 2.0);
  CHECK(relative_error(found.t(), alphaedit_by_lu(basis, keys, earlier, 2.0)) < 1e-5);
}

TEST_CASE(
    "AlphaEdit closed form: a change lies in the null space, and earlier keys make it smaller") {
  const at::Tensor c = moment(20);
  const at::Tensor basis = first_eigenvectors(c, 11);
  const at::Tensor keys = random_rows(5, 20, 6);
  const at::Tensor alone = null_space_directions(basis, keys, {}, 2.0);
  const at::Tensor outside = alone - alone.matmul(basis).matmul(basis.t());
  CHECK(outside.norm().item<double>() < 1e-5 * alone.norm().item<double>());
  const at::Tensor again = null_space_directions(basis, keys, keys, 2.0);
  CHECK(again.norm().item<double>() < 0.8 * alone.norm().item<double>());
}
