#include "editors/locate/closed_form.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

at::Tensor random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  at::Tensor matrix = at::empty({rows, cols}, at::kFloat);
  fill_normal(matrix, 0.0, 1.0, random);
  return matrix;
}

at::Tensor random_moment(std::int64_t m) {
  const at::Tensor keys = random_matrix(4 * m, m, 3).to(at::kDouble);
  return keys.t().matmul(keys) / static_cast<double>(4 * m);
}

}  // namespace

TEST_CASE("MomentFactor: solve inverts the product with the second moment") {
  const at::Tensor c = random_moment(20);
  const at::Tensor x = random_matrix(20, 3, 4).to(at::kDouble);
  const MomentFactor factor = MomentFactor::factorise(c);
  CHECK(relative_error(factor.solve(c.matmul(x)), x) < 1e-10);
  CHECK(relative_error(factor.solve(c.matmul(x).select(1, 1)), x.select(1, 1)) < 1e-10);
}

TEST_CASE("MomentFactor: ridge adds a multiple of the mean diagonal") {
  const at::Tensor c = random_moment(12);
  const double mean = c.diagonal().mean().item<double>();
  const at::Tensor damped = c + 0.1 * mean * at::eye(12, at::kDouble);
  const at::Tensor x = random_matrix(12, 1, 5).to(at::kDouble);
  CHECK(relative_error(MomentFactor::factorise(c, 0.1).solve(x),
                       MomentFactor::factorise(damped).solve(x)) < 1e-12);
}

TEST_CASE("MomentFactor: identity leaves keys unchanged") {
  const at::Tensor x = random_matrix(7, 1, 6).select(1, 0);
  CHECK(relative_error(MomentFactor::identity().solve(x), x) == 0.0);
}

TEST_CASE("MomentFactor: a singular second moment is refused with the advice to set mom2_ridge") {
  const at::Tensor keys = random_matrix(3, 8, 7).to(at::kDouble);
  const std::string message = message_of([&] { MomentFactor::factorise(keys.t().matmul(keys)); });
  CHECK(contains(message, "mom2_ridge"));
  CHECK_NOTHROW(MomentFactor::factorise(keys.t().matmul(keys), 0.01));
}

TEST_CASE("ROME closed form: W' k* equals v* after the rank-one update") {
  const at::Tensor weight = random_matrix(6, 20, 8).to(at::kDouble);
  const at::Tensor bias = random_matrix(6, 1, 9).select(1, 0).to(at::kDouble);
  const at::Tensor keys = random_matrix(5, 20, 10).to(at::kDouble);
  const at::Tensor key = keys[0];
  const at::Tensor value = random_matrix(6, 1, 11).select(1, 0).to(at::kDouble);
  const at::Tensor output = weight.matmul(key) + bias;

  const at::Tensor u = edit_direction(MomentFactor::factorise(random_moment(20)), keys.mean(0));
  CHECK(u.norm().item<double>() == Approx(1.0).epsilon(1e-6));
  const at::Tensor r = right_vector(value, output, key, u);
  const at::Tensor edited = weight + at::outer(r, u).to(at::kDouble);
  CHECK(relative_error(edited.matmul(key) + bias, value) < 1e-5);
}

TEST_CASE("ROME closed form: a key orthogonal to the edit direction is refused") {
  const at::Tensor u = at::tensor({1.0F, 0.0F});
  const at::Tensor key = at::tensor({0.0F, 1.0F});
  CHECK_THROWS_AS(right_vector(u, key, key, u), EditError);
}
