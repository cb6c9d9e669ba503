#include "kernels/second_moment.hpp"

#include "kernels/finite.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace kedit::kernels;

namespace {

at::Tensor moment_of(const at::Tensor& keys, int threads) {
  at::Tensor moment = at::zeros({keys.size(1), keys.size(1)}, at::kDouble);
  accumulate_second_moment(keys.const_data_ptr<float>(), keys.size(0), keys.size(1),
                           moment.mutable_data_ptr<double>(), threads);
  mirror_upper_triangle(moment.mutable_data_ptr<double>(), keys.size(1));
  return moment;
}

}  // namespace

TEST_CASE("accumulate_second_moment: result is K' K to float32's rounding of short sums") {
  const auto [count, dim] = GENERATE(table<std::int64_t, std::int64_t>(
      {{1, 1}, {3, 5}, {300, 20}, {1000, 37}, {2500, 32}, {1025, 300}}));
  at::manual_seed(count);
  const at::Tensor keys = at::randn({count, dim});
  const at::Tensor moment = moment_of(keys, 1);
  const at::Tensor wide = keys.to(at::kDouble);
  const at::Tensor magnitudes = wide.abs().t().mm(wide.abs());
  const double rounded = 16 * std::numeric_limits<float>::epsilon();  // 256 sums, at random
  CHECK((moment - wide.t().mm(wide)).abs().le(rounded * magnitudes).all().item<bool>());
  CHECK((moment - wide.t().mm(wide)).norm().item<double>() <
        2e-7 * magnitudes.norm().item<double>());
  CHECK(at::equal(moment, moment.t()));
}

TEST_CASE("accumulate_second_moment: result does not depend on the thread count and parts add up") {
  at::manual_seed(9);
  const at::Tensor keys = at::randn({700, 50});
  const at::Tensor one = moment_of(keys, 1);
  CHECK(at::equal(one, moment_of(keys, 2)));
  CHECK(at::equal(one, moment_of(keys, 5)));
  at::Tensor in_parts = moment_of(keys.slice(0, 0, 256).contiguous(), 1);
  const at::Tensor rest = keys.slice(0, 256, 700).contiguous();
  accumulate_second_moment(rest.const_data_ptr<float>(), 444, 50,
                           in_parts.mutable_data_ptr<double>(), 2);
  mirror_upper_triangle(in_parts.mutable_data_ptr<double>(), 50);
  CHECK((in_parts - one).abs().max().item<double>() < 1e-3);  // of sums of 700
}

TEST_CASE("accumulate_second_moment: zero keys add nothing and a negative count is refused") {
  double moment = 2.0;
  const float key = 1.0F;
  accumulate_second_moment(&key, 0, 1, &moment);
  CHECK(moment == 2.0);
  CHECK_THROWS_AS(accumulate_second_moment(&key, -1, 1, &moment), std::invalid_argument);
}

TEST_CASE("all_finite: one NaN or infinity among many elements is found") {
  const auto type = GENERATE(WeightType::float32, WeightType::bfloat16, WeightType::float16);
  const bool wide = type == WeightType::float32;
  const auto dtype = wide ? at::kFloat : type == WeightType::bfloat16 ? at::kBFloat16 : at::kHalf;
  for (const std::int64_t count : {1, 63, 5000, 3000000}) {
    at::Tensor data = at::full({count}, wide ? 3e38 : 60000.0).to(dtype);
    CHECK(all_finite(data.const_data_ptr(), type, count, 2));
    for (const double bad : {std::nan(""), -HUGE_VAL}) {
      at::Tensor damaged = data.clone();
      damaged[count - 1] = bad;
      CHECK_FALSE(all_finite(damaged.const_data_ptr(), type, count, 2));
    }
  }
  CHECK(all_finite(nullptr, type, 0));
}
