#include "kernels/block_rows.hpp"

#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

using namespace kedit::kernels;

namespace {

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace

TEST_CASE("rms_norm_rows: rows equal those in float64, each by itself") {
  const std::int64_t width = GENERATE(1, 7, 16, 33, 576);
  const double plus = GENERATE(0.0, 1.0);
  at::manual_seed(width);
  const at::Tensor x = at::randn({5, width}), weight = at::randn({width});
  at::Tensor y = at::empty_like(x);
  const RmsNorm norm = {weight.const_data_ptr<float>(), width, 1e-5F, static_cast<float>(plus)};
  rms_norm_rows(norm, x.const_data_ptr<float>(), 5, y.mutable_data_ptr<float>());
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor expected =
      wide / (wide.pow(2).mean(1, true) + 1e-5).sqrt() * (weight.to(at::kDouble) + plus);
  CHECK(difference(y, expected) < 1e-5);
  at::Tensor alone = at::empty({width});
  rms_norm_rows(norm, x[3].const_data_ptr<float>(), 1, alone.mutable_data_ptr<float>());
  CHECK(at::equal(alone, y[3]));
}

TEST_CASE("rotate_heads: pairs turn, what is not rotated stays") {
  const bool interleaved = GENERATE(false, true);
  const std::int64_t rotated = GENERATE(2, 10, 16);
  at::manual_seed(rotated);
  const at::Tensor x = at::randn({3, 16}), angle = at::randn({rotated / 2});
  const at::Tensor both = interleaved ? angle.repeat_interleave(2) : at::cat({angle, angle});
  const at::Tensor cosine = both.cos(), sine = both.sin();
  at::Tensor y = x.clone();
  rotate_heads({3, 16, rotated, interleaved}, cosine.const_data_ptr<float>(),
               sine.const_data_ptr<float>(), y.mutable_data_ptr<float>());
  for (std::int64_t i = 0; i < rotated / 2; ++i) {
    const std::int64_t a = interleaved ? 2 * i : i, b = interleaved ? a + 1 : i + rotated / 2;
    const at::Tensor first = x.select(1, a), second = x.select(1, b);
    CHECK(difference(y.select(1, a), first * angle[i].cos() - second * angle[i].sin()) < 1e-6);
    CHECK(difference(y.select(1, b), second * angle[i].cos() + first * angle[i].sin()) < 1e-6);
  }
  CHECK(at::equal(y.slice(1, rotated), x.slice(1, rotated)));
}

TEST_CASE("silu_products: products are exact to the last bits for every size of number") {
  const at::Tensor gate = at::linspace(-80, 80, 4001), up = at::linspace(3, -2, 4001);
  at::Tensor y = at::empty_like(gate);
  silu_products(gate.const_data_ptr<float>(), up.const_data_ptr<float>(), 4001,
                y.mutable_data_ptr<float>());
  const at::Tensor wide = gate.to(at::kDouble);
  const at::Tensor expected = wide * wide.sigmoid() * up.to(at::kDouble);
  CHECK(((y - expected).abs() / (expected.abs() + 1e-30)).max().item<double>() < 5e-7);
}

TEST_CASE("silu_products: far ends and NaN stay what they are, and the result may be the gate") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  float gate[4] = {-1e5F, 1e5F, nan, 0.0F};
  const float up[4] = {2.0F, 2.0F, 2.0F, 2.0F};
  silu_products(gate, up, 4, gate);
  CHECK(std::abs(gate[0]) < 1e-30F);
  CHECK(gate[1] == 2e5F);
  CHECK(std::isnan(gate[2]));
  CHECK(gate[3] == 0.0F);
}
