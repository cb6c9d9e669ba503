#include "training/parameters.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kedit {
namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Views start at multiples of a cache line: the matrix library's results may depend on alignment.
std::int64_t padded(std::int64_t count) { return (count + 15) / 16 * 16; }

bool is_layer_matrix(const Architecture& architecture, const std::string& name,
                     const at::Tensor& tensor) {
  return tensor.dim() == 2 && name != weight_name(architecture.names.token_embedding, 0) &&
         name != weight_name(architecture.names.position_embedding, 0) &&
         name != weight_name(architecture.names.head, 0);
}

std::int64_t total_size(const NamedTensors& tensors) {
  std::int64_t total = 0;
  for (const auto& [name, tensor] : tensors) total += padded(tensor.numel());
  return total;
}

DecoderWeights from_named(const Architecture& architecture,
                          const std::map<std::string, at::Tensor>& tensors) {
  return resolve_weights(
      architecture,
      [&tensors](const std::string& name) {
        const auto found = tensors.find(name);
        return found == tensors.end() ? at::Tensor() : found->second;
      },
      "training");
}

}  // namespace

ParameterBuffer::ParameterBuffer(const Architecture& architecture, const DecoderWeights& initial)
    : architecture_(architecture) {
  NamedTensors ordered, rest;
  for (auto& [name, tensor] : named_tensors(architecture, initial)) {
    (is_layer_matrix(architecture, name, tensor) ? ordered : rest).emplace_back(name, tensor);
  }
  decayed_ = total_size(ordered);
  ordered.insert(ordered.end(), rest.begin(), rest.end());
  values_ = at::zeros({total_size(ordered)}, at::kFloat);
  gradients_ = at::zeros_like(values_);

  std::map<std::string, at::Tensor> leaves;
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    const std::int64_t count = tensor.numel();
    at::Tensor leaf = values_.narrow(0, offset, count).view(tensor.sizes()).detach();
    leaf.copy_(tensor.detach());
    leaf.requires_grad_(true);
    leaf.mutable_grad() = gradients_.narrow(0, offset, count).view(tensor.sizes());
    leaves.emplace(name, leaf);
    offset += padded(count);
  }
  weights_ = from_named(architecture_, leaves);
}

DecoderWeights ParameterBuffer::snapshot() const {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, tensor] : named_tensors(architecture_, weights_)) {
    copies.emplace(name, tensor.detach().clone());
  }
  return from_named(architecture_, copies);
}

}  // namespace kedit
