#include "kernels/low_rank_update.hpp"

#include "tests/kernels/low_rank_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <cstring>

using namespace kedit::kernels;
using low_rank_cases::dtype_of;
using low_rank_cases::same_bytes;
using low_rank_cases::Terms;

namespace {

struct Shape {
  std::int64_t rows, cols;
  std::vector<std::int64_t> ranks;
};

at::Tensor updated(const at::Tensor& base, WeightType type, const Terms& terms, int threads) {
  at::Tensor out = at::empty_like(base);
  low_rank_update(base.const_data_ptr(), out.mutable_data_ptr(), type, base.size(0), base.size(1),
                  terms.terms, threads);
  return out;
}

}  // namespace

TEST_CASE("low_rank_update: result equals the reference loop bit for bit for any thread count") {
  const auto type = GENERATE(WeightType::float32, WeightType::bfloat16, WeightType::float16);
  const auto shape = GENERATE(values<Shape>({{1, 1, {1}},
                                             {3, 7, {1, 1}},
                                             {17, 1025, {1}},
                                             {33, 2100, {4, 0, 3}},
                                             {5, 64, {0}},
                                             {40, 33, {1, 1, 1, 1, 1, 9}}}));
  at::manual_seed(shape.rows + shape.cols);
  const at::Tensor base = at::randn({shape.rows, shape.cols}).to(dtype_of(type));
  const Terms terms(shape.ranks, shape.rows, shape.cols);
  at::Tensor expected = at::empty_like(base);
  low_rank_update_reference(base.const_data_ptr(), expected.mutable_data_ptr(), type, shape.rows,
                            shape.cols, terms.terms);
  for (const int threads : {1, 2, 7})
    CHECK(same_bytes(updated(base, type, terms, threads), expected));

  at::Tensor in_place = base.clone();
  low_rank_update(in_place.const_data_ptr(), in_place.mutable_data_ptr(), type, shape.rows,
                  shape.cols, terms.terms);
  CHECK(same_bytes(in_place, expected));
}

TEST_CASE("low_rank_update: a matrix large enough for non-temporal stores gives the same result") {
  at::manual_seed(5);
  const at::Tensor base = at::randn({1031, 2063});  // odd rows, so that lines are not aligned
  const Terms terms({1, 2}, 1031, 2063);
  at::Tensor expected = at::empty_like(base);
  low_rank_update_reference(base.const_data_ptr(), expected.mutable_data_ptr(), WeightType::float32,
                            1031, 2063, terms.terms);
  CHECK(same_bytes(updated(base, WeightType::float32, terms, 2), expected));
}

TEST_CASE("low_rank_update: result equals the float64 sum up to one rounding") {
  at::manual_seed(2);
  const at::Tensor base = at::randn({30, 50});
  const Terms terms({3, 0}, 30, 50);
  const at::Tensor exact =
      base.to(at::kDouble) +
      at::mm(terms.matrices[0].to(at::kDouble), terms.matrices[1].to(at::kDouble)) +
      terms.matrices[2].to(at::kDouble);
  const at::Tensor out = updated(base, WeightType::float32, terms, 1);
  CHECK((out.to(at::kDouble) - exact).abs().max().item<double>() < 1e-6);
  const at::Tensor rounded = updated(base.to(at::kBFloat16), WeightType::bfloat16, terms, 1);
  const at::Tensor exact_16 = base.to(at::kBFloat16).to(at::kDouble) + exact - base.to(at::kDouble);
  const at::Tensor error = (rounded.to(at::kDouble) - exact_16).abs() / exact_16.abs();
  CHECK(error.max().item<double>() < 1.001 / 256);  // half a unit in the last place
}

TEST_CASE("low_rank_update: without terms the copy is exact even for NaN and negative zero") {
  at::Tensor base = at::tensor({NAN, -0.0F, 1.0F, INFINITY}).view({2, 2});
  CHECK(same_bytes(updated(base, WeightType::float32, Terms({}, 2, 2), 1), base));
}

TEST_CASE("low_rank_update: contradictory arguments are refused") {
  std::vector<float> one(4, 1.0F);
  const auto refusal = [&](std::int64_t rows, std::int64_t cols, const UpdateTerm& term) {
    return thrown_message<std::invalid_argument>(
        [&] { low_rank_update(one.data(), one.data(), WeightType::float32, rows, cols, {term}); });
  };
  UpdateTerm both;
  both.dense = one.data();
  both.low_rank = {one.data(), one.data(), 1};
  UpdateTerm half;
  half.low_rank = {one.data(), nullptr, 1};
  UpdateTerm no_rank;
  no_rank.low_rank = {one.data(), one.data(), 0};
  UpdateTerm good;
  good.dense = one.data();
  CHECK(contains(refusal(2, 2, UpdateTerm{}),
                 "term 0: expected either factors or a dense change, found neither"));
  CHECK(contains(refusal(2, 2, both), "found both"));
  CHECK(contains(refusal(2, 2, half), "expected two factors, found one"));
  CHECK(contains(refusal(2, 2, no_rank), "expected a rank of at least 1, found 0"));
  CHECK(contains(refusal(-1, 2, good), "found [-1, 2]"));
  CHECK(contains(refusal(std::int64_t{1} << 40, std::int64_t{1} << 40, good), "fits in memory"));
}
