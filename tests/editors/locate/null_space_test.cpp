#include "editors/locate/null_space.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

/// Q diag(values) Q^T with a fixed rotation.
at::Tensor moment_with(const std::vector<double>& values) {
  const auto m = static_cast<std::int64_t>(values.size());
  at::manual_seed(3);
  const auto [q, r] = at::linalg_qr(at::randn({m, m}, at::kDouble));
  return q.matmul(at::diag(at::tensor(values, at::kDouble))).matmul(q.t());
}

}  // namespace

TEST_CASE("null_space: eigenvectors below the threshold span what the matrix hardly moves") {
  const at::Tensor c = moment_with({1e-6, 3.0, 0.5, 1e-4, 2e-2, 7.0});
  const NullSpace space = null_space(c.to(at::kFloat), 1e-2);
  CHECK(space.width() == 6);
  CHECK(space.rank() == 2);
  CHECK(space.basis.scalar_type() == at::kFloat);
  CHECK(space.basis.is_contiguous());
  CHECK(relative_error(space.basis.t().matmul(space.basis), at::eye(2)) < 1e-6);
  CHECK(c.matmul(space.basis.to(at::kDouble)).norm().item<double>() < 2e-4);
  CHECK(space.eigenvalue_range().find(" to 7 (median 0.5)") != std::string::npos);
  CHECK(null_space(c, 1e-9).rank() == 0);
  CHECK(null_space(c, 100.0).rank() == 6);
}

TEST_CASE("null_space: what is no second moment is refused") {
  CHECK_THROWS_AS(null_space(at::ones({3, 4}), 1.0), StatisticsError);
  CHECK_THROWS_AS(null_space(at::full({3, 3}, NAN), 1.0), StatisticsError);
  CHECK(contains(message_of([] { null_space(moment_with({-1.0, 2.0}), 1.0); }), "-1 to 2"));
}

TEST_CASE("cached_null_space: eigenvectors are kept by content and serve every threshold") {
  const TemporaryDirectory directory;
  const at::Tensor c = moment_with({1e-6, 3.0, 0.5, 1e-4}).to(at::kFloat);
  const NullSpace first = cached_null_space(c, 1e-2, directory.path(), {});
  const auto kept = directory / "null-space";
  const auto count = [&] { return std::distance(std::filesystem::directory_iterator(kept), {}); };
  CHECK(count() == 1);
  CHECK(at::equal(cached_null_space(c, 1e-2, directory.path(), {}).basis, first.basis));
  CHECK(cached_null_space(c, 1.0, directory.path(), {}).rank() == 3);
  CHECK(count() == 1);
  cached_null_space(c * 2, 1.0, directory.path(), {});
  CHECK(count() == 2);
}

TEST_CASE("null_space_of: no direction at all is refused and every direction warned of") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  setenv("KEDIT_CACHE", directory.path().c_str(), 1);
  std::vector<double> values(40, 0.5);
  values.front() = 0.25;
  SecondMoment moment;
  moment.matrix = moment_with(values).to(at::kFloat);
  moment.count = 7;
  write_second_moment(directory / "c.safetensors", moment);
  MomentSource source;
  source.files[1] = directory / "c.safetensors";
  std::vector<std::string> warnings;
  RunContext run;
  run.warn = [&](const std::string& text) { warnings.push_back(text); };

  CHECK(null_space_of(*model, 1, source, 0.3, run).rank() == 1);
  CHECK(warnings.empty());
  CHECK(contains(message_of([&] { null_space_of(*model, 1, source, 0.1, run); }),
                 "0.25 to 0.5 (median 0.5); set nullspace_threshold higher"));
  CHECK(null_space_of(*model, 1, source, 1.0, run).rank() == 40);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "spares no direction"));
  unsetenv("KEDIT_CACHE");
}
