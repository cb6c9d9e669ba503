#include "model/decoder/layers.hpp"

#include "model/decoder/block_rows.hpp"
#include "model/decoder/small_batch_linear.hpp"

#include <ATen/ATen.h>

namespace kedit::decoder {
namespace {

at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::gelu_new:
      return at::gelu(x, "tanh");
    case Activation::gelu:
      return at::gelu(x);
    case Activation::silu:
      return at::silu(x);
    case Activation::relu:
      return at::relu(x);
  }
  throw ModelError("running the decoder: unknown activation");
}

}  // namespace

at::Tensor apply_linear(const Architecture& architecture, const Linear& linear,
                        const at::Tensor& x) {
  const bool in_out = architecture.orientation == Orientation::in_out;
  at::Tensor quick = small_batch_linear(x, linear.weight, linear.bias, in_out);
  if (quick.defined()) return quick;
  if (!in_out) {
    return linear.bias.defined() ? at::linear(x, linear.weight, linear.bias)
                                 : at::linear(x, linear.weight);
  }
  const at::Tensor rows = x.reshape({-1, x.size(-1)});
  const at::Tensor product = linear.bias.defined() ? at::addmm(linear.bias, rows, linear.weight)
                                                   : at::mm(rows, linear.weight);
  return product.view({x.size(0), x.size(1), product.size(1)});
}

std::vector<at::Tensor> apply_linears(const Architecture& architecture,
                                      std::initializer_list<const Linear*> linears,
                                      const at::Tensor& x) {
  std::vector<SmallBatchMap> maps;
  for (const Linear* linear : linears) maps.push_back({linear->weight, linear->bias});
  const bool in_out = architecture.orientation == Orientation::in_out;
  std::vector<at::Tensor> results = small_batch_linears(x, maps, in_out);
  if (!results.empty()) return results;
  for (const Linear* linear : linears) results.push_back(apply_linear(architecture, *linear, x));
  return results;
}

at::Tensor apply_norm(const Architecture& architecture, const Norm& norm, const at::Tensor& x) {
  if (!norm.weight.defined()) return x;
  const at::IntArrayRef width = norm.weight.sizes();
  if (architecture.norm == NormKind::layer_norm) {
    return at::layer_norm(x, width, norm.weight, norm.bias, architecture.norm_epsilon);
  }
  at::Tensor quick =
      rms_norm_rows(x, norm.weight, architecture.norm_epsilon, architecture.norm_adds_one);
  if (quick.defined()) return quick;
  if (!architecture.norm_adds_one) {
    return at::rms_norm(x, width, norm.weight, architecture.norm_epsilon);
  }
  // 1 + weight would lose the weight's last bits in 16 bit.
  return at::rms_norm(x.to(at::kFloat), width, norm.weight.to(at::kFloat) + 1.0,
                      architecture.norm_epsilon)
      .to(x.scalar_type());
}

at::Tensor mlp_inside(const Architecture& architecture, const LayerWeights& weights,
                      const at::Tensor& x) {
  if (architecture.fused_gate_up) {
    const auto halves = apply_linear(architecture, weights.gate_up, x).chunk(2, -1);
    return activate(architecture.activation, halves[0]) * halves[1];
  }
  if (!architecture.gated_mlp) {
    return activate(architecture.activation, apply_linear(architecture, weights.up, x));
  }
  const auto both = apply_linears(architecture, {&weights.gate, &weights.up}, x);
  if (architecture.activation == Activation::silu) {
    at::Tensor quick = silu_products(both[0], both[1]);
    if (quick.defined()) return quick;
  }
  return activate(architecture.activation, both[0]) * both[1];
}

at::Tensor branch_output(const Architecture& architecture, const Norm& output_norm,
                         const at::Tensor& value) {
  return architecture.norm_after_sum ? value : apply_norm(architecture, output_norm, value);
}

at::Tensor join_residual(const Architecture& architecture, const Norm& output_norm,
                         const at::Tensor& residual, const at::Tensor& branch) {
  const at::Tensor sum = residual + branch;
  return architecture.norm_after_sum ? apply_norm(architecture, output_norm, sum) : sum;
}

}  // namespace kedit::decoder
