#include "model/decoder/small_batch_linear.hpp"

#include "kernels/matrix_vector.hpp"
#include "model/decoder/in_threads.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace kedit::decoder {
namespace {

constexpr std::int64_t kFewRows = 24;             // more run faster as a matrix product
constexpr std::int64_t kTaskWeights = 32 * 1024;  // weights that are worth a thread's waking up

bool is_plain(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.device().is_cpu() && tensor.is_contiguous();
}

bool applies(const at::Tensor& x, const SmallBatchMap& map, bool in_out) {
  return map.weight.dim() == 2 && map.weight.size(in_out ? 0 : 1) == x.size(-1) &&
         is_plain(map.weight) && (!map.bias.defined() || is_plain(map.bias));
}

bool applies(const at::Tensor& x, const std::vector<SmallBatchMap>& maps, bool in_out) {
  return !at::GradMode::is_enabled() && x.dim() >= 1 && x.size(-1) > 0 &&
         x.numel() <= kFewRows * x.size(-1) && x.scalar_type() == at::kFloat &&
         x.device().is_cpu() && std::all_of(maps.begin(), maps.end(), [&](const auto& map) {
           return applies(x, map, in_out);
         });
}

// A map with where its result goes and which blocks of outputs it has among those of all maps.
struct Product {
  kernels::LinearMap map;
  float* y;
  std::int64_t first_block, end_block;
};

std::int64_t blocks_of(std::int64_t outputs) {
  return (outputs + kernels::kOutputBlock - 1) / kernels::kOutputBlock;
}

// The blocks [first, last) of all, `x` being [rows, in].
void multiply_blocks(const std::vector<Product>& products, const float* x, std::int64_t rows,
                     std::int64_t first, std::int64_t last) {
  for (const Product& product : products) {
    const std::int64_t begin = std::max(first, product.first_block) - product.first_block;
    const std::int64_t end = std::min(last, product.end_block) - product.first_block;
    if (begin >= end) continue;
    kernels::multiply_rows(product.map, x, rows, product.y, begin * kernels::kOutputBlock,
                           std::min(end * kernels::kOutputBlock, product.map.out));
  }
}

}  // namespace

std::vector<at::Tensor> small_batch_linears(const at::Tensor& x,
                                            const std::vector<SmallBatchMap>& maps, bool in_out) {
  if (!applies(x, maps, in_out)) return {};
  const at::Tensor rows = x.contiguous();
  const std::int64_t in = x.size(-1);
  std::vector<std::int64_t> shape = x.sizes().vec();
  std::vector<at::Tensor> results;
  std::vector<Product> products;
  std::int64_t blocks = 0;
  for (const SmallBatchMap& map : maps) {
    shape.back() = map.weight.size(in_out ? 1 : 0);
    results.push_back(at::empty(shape, x.options()));
    const float* bias = map.bias.defined() ? map.bias.const_data_ptr<float>() : nullptr;
    products.push_back({{map.weight.const_data_ptr<float>(), bias, in, shape.back(), in_out},
                        results.back().mutable_data_ptr<float>(),
                        blocks,
                        blocks + blocks_of(shape.back())});
    blocks = products.back().end_block;
  }
  const std::int64_t grain = std::max<std::int64_t>(1, kTaskWeights / (kernels::kOutputBlock * in));
  in_threads(blocks, grain, [&](std::int64_t first, std::int64_t last) {
    multiply_blocks(products, rows.const_data_ptr<float>(), x.numel() / in, first, last);
  });
  return results;
}

at::Tensor small_batch_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              bool in_out) {
  std::vector<at::Tensor> results = small_batch_linears(x, {{weight, bias}}, in_out);
  return results.empty() ? at::Tensor() : std::move(results.front());
}

}  // namespace kedit::decoder
