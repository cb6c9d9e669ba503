#include "model/layers.hpp"

#include "model/few_rows.hpp"

#include <ATen/ATen.h>

namespace kedit {
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
  at::Tensor quick = multiply_few_rows(x, linear.weight, linear.bias, in_out);
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

at::Tensor apply_norm(const Architecture& architecture, const Norm& norm, const at::Tensor& x) {
  if (architecture.norm == NormKind::layer_norm) {
    return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, architecture.norm_epsilon);
  }
  return at::rms_norm(x, {x.size(-1)}, norm.weight, architecture.norm_epsilon);
}

at::Tensor mlp_inside(const Architecture& architecture, const LayerWeights& weights,
                      const at::Tensor& x) {
  const at::Tensor up = apply_linear(architecture, weights.up, x);
  if (!architecture.gated_mlp) return activate(architecture.activation, up);
  return activate(architecture.activation, apply_linear(architecture, weights.gate, x)) * up;
}

}  // namespace kedit
