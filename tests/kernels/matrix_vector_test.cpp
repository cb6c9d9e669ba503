#include "kernels/matrix_vector.hpp"

#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <stdexcept>

using namespace kedit::kernels;

namespace {

struct Case {
  at::Tensor weight, bias, x;  // weight as stored
  LinearMap map;
};

Case random_case(std::int64_t in, std::int64_t out, std::int64_t rows, bool in_out) {
  at::manual_seed(in * 31 + out);
  Case c;
  c.weight = in_out ? at::randn({in, out}) : at::randn({out, in});
  c.bias = at::randn({out});
  c.x = at::randn({rows, in});
  c.map = {c.weight.const_data_ptr<float>(), c.bias.const_data_ptr<float>(), in, out, in_out};
  return c;
}

// All outputs, in ranges as threads would take them.
at::Tensor product(const Case& c, const at::Tensor& x, std::int64_t blocks = 1000) {
  at::Tensor y = at::full({x.size(0), c.map.out}, -77.0);
  const std::int64_t step = blocks * kOutputBlock;
  for (std::int64_t first = 0; first < c.map.out; first += step) {
    multiply_rows(c.map, x.const_data_ptr<float>(), x.size(0), y.mutable_data_ptr<float>(), first,
                  std::min(first + step, c.map.out));
  }
  return y;
}

}  // namespace

TEST_CASE("multiply_rows: product equals the float64 one for both weight layouts and any size") {
  const bool in_out = GENERATE(false, true);
  const auto [in, out] = GENERATE(table<std::int64_t, std::int64_t>(
      {{1, 1}, {5, 3}, {16, 64}, {17, 65}, {100, 130}, {384, 128}, {33, 255}, {768, 96}}));
  const std::int64_t rows = GENERATE(1, 2, 3, 4, 5, 6, 7, 13);
  const Case c = random_case(in, out, rows, in_out);
  const at::Tensor wide = c.weight.to(at::kDouble);
  const at::Tensor expected =
      at::addmm(c.bias.to(at::kDouble), c.x.to(at::kDouble), in_out ? wide : wide.t());
  CHECK((product(c, c.x) - expected).abs().max().item<double>() < 4e-5);
}

TEST_CASE("multiply_rows: a row's result depends neither on other rows nor on output ranges") {
  const bool in_out = GENERATE(false, true);
  const std::int64_t rows = GENERATE(2, 5, 6, 16, 19);
  const Case c = random_case(131, 207, rows, in_out);
  const at::Tensor together = product(c, c.x);
  CHECK(at::equal(product(c, c.x, 1), together));
  for (std::int64_t row = 0; row < rows; ++row) {
    CHECK(at::equal(product(c, c.x.narrow(0, row, 1)), together.narrow(0, row, 1)));
  }
}

TEST_CASE("multiply_rows: a missing bias adds nothing and an empty output range writes nothing") {
  Case c = random_case(20, 70, 2, GENERATE(false, true));
  const at::Tensor with = product(c, c.x);
  c.map.bias = nullptr;
  CHECK((product(c, c.x) + c.bias - with).abs().max().item<double>() < 1e-5);
  at::Tensor y = at::full({2, 70}, 5.0);
  multiply_rows(c.map, c.x.const_data_ptr<float>(), 2, y.mutable_data_ptr<float>(), 64, 64);
  CHECK(y.eq(5.0).all().item<bool>());
}

TEST_CASE("multiply_rows: a range outside the outputs or a negative row count is refused") {
  const Case c = random_case(4, 8, 1, false);
  float y[8] = {};
  CHECK_THROWS_AS(multiply_rows(c.map, c.x.const_data_ptr<float>(), 1, y, 0, 9),
                  std::invalid_argument);
  CHECK_THROWS_AS(multiply_rows(c.map, c.x.const_data_ptr<float>(), -1, y, 0, 8),
                  std::invalid_argument);
}
