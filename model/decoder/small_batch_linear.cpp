#include "model/decoder/small_batch_linear.hpp"

#include "kernels/matrix_vector.hpp"

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

namespace kedit::decoder {
namespace {

constexpr std::int64_t kFewRows = 24;             // more run faster as a matrix product
constexpr std::int64_t kTaskWeights = 32 * 1024;  // weights that are worth a thread's waking up

bool is_plain(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.device().is_cpu() && tensor.is_contiguous();
}

// Calls `work(first, last)` for parts of [0, count) in the library's threads. at::parallel_for
// would not: it is a template, and without OpenMP in our own flags it becomes a plain loop, while
// the loop of an iterator is compiled into the library.
template <class Work>
void in_threads(std::int64_t count, std::int64_t grain, const Work& work) {
  at::Tensor places = at::empty({count}, at::TensorOptions().dtype(at::kByte));
  const char* origin = static_cast<const char*>(places.const_data_ptr());
  auto iterator = at::TensorIterator::nullary_op(places);
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t length, std::int64_t runs) {
        for (std::int64_t run = 0; run < runs; ++run) {
          const std::int64_t first = data[0] + run * strides[1] - origin;
          work(first, first + length);
        }
      },
      grain);
}

bool applies(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return !at::GradMode::is_enabled() && x.dim() >= 1 && x.size(-1) > 0 && weight.dim() == 2 &&
         x.numel() <= kFewRows * x.size(-1) && x.scalar_type() == at::kFloat &&
         x.device().is_cpu() && is_plain(weight) && (!bias.defined() || is_plain(bias));
}

}  // namespace

at::Tensor small_batch_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              bool in_out) {
  if (!applies(x, weight, bias)) return {};
  const kernels::LinearMap map = {weight.const_data_ptr<float>(),
                                  bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                                  weight.size(in_out ? 0 : 1), weight.size(in_out ? 1 : 0), in_out};
  if (x.size(-1) != map.in) return {};  // the general path says what is wrong
  const at::Tensor rows = x.contiguous();
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = map.out;
  at::Tensor y = at::empty(shape, x.options());
  const float* from = rows.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  const std::int64_t count = x.numel() / map.in;
  const std::int64_t blocks = (map.out + kernels::kOutputBlock - 1) / kernels::kOutputBlock;
  const std::int64_t grain =
      std::max<std::int64_t>(1, kTaskWeights / (kernels::kOutputBlock * map.in));
  in_threads(blocks, grain, [&](std::int64_t first, std::int64_t last) {
    kernels::multiply_rows(map, from, count, to, first * kernels::kOutputBlock,
                           std::min(last * kernels::kOutputBlock, map.out));
  });
  return y;
}

}  // namespace kedit::decoder
