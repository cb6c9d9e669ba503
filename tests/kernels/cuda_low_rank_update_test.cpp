#include "kernels/cuda/low_rank_update.hpp"
#include "tests/kernels/low_rank_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <string>
#include <vector>

using namespace kedit::kernels;
using low_rank_cases::dtype_of;
using low_rank_cases::same_bytes;
using low_rank_cases::Terms;

TEST_CASE("CUDA low_rank_update: result equals the CPU reference loop bit for bit") {
  const char* why = "";
  if (cuda::device_count(&why) == 0) {
    kedit::test::skip_test(std::string("no CUDA device: ") + why);
    return;
  }
  struct Shape {
    std::int64_t rows, cols;
    std::vector<std::int64_t> ranks;
  };
  const auto type = GENERATE(WeightType::float32, WeightType::bfloat16, WeightType::float16);
  const auto shape =
      GENERATE(values<Shape>({{1, 1, {1}},
                              {33, 2100, {4, 0, 3}},
                              {17, 1025, {1}},
                              {128, 384, {1, 1, 1}},
                              {64, 4096, {40, 30}},  // more columns than one pass takes
                              {5, 64, {0}},
                              {9, 16, {}}}));
  at::manual_seed(shape.rows + shape.cols);
  const at::Tensor base = at::randn({shape.rows, shape.cols}).to(dtype_of(type));
  const Terms terms(shape.ranks, shape.rows, shape.cols);
  at::Tensor expected = at::empty_like(base);
  at::Tensor out = at::empty_like(base);
  low_rank_update_reference(base.const_data_ptr(), expected.mutable_data_ptr(), type, shape.rows,
                            shape.cols, terms.terms);
  cuda::low_rank_update_on_host_memory(base.const_data_ptr(), out.mutable_data_ptr(), type,
                                       shape.rows, shape.cols, terms.terms);
  CHECK(same_bytes(out, expected));
}
