#include "training/loss.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace kedit {

WeightedLoss weighted_cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                                    const at::Tensor& weights) {
  const c10::NoGradGuard no_grad;
  const at::Tensor share = (weights / weights.sum()).unsqueeze(1);  // [n, 1]
  const at::Tensor columns = targets.unsqueeze(1);                  // [n, 1]
  at::Tensor logprobs = at::log_softmax(logits.detach(), 1);        // [n, vocab]
  WeightedLoss loss;
  loss.value = -(logprobs.gather(1, columns) * share).sum().item<double>();
  // d loss / d logits = share * (softmax - onehot)
  loss.gradient = logprobs.exp_().mul_(share);
  loss.gradient.scatter_add_(1, columns, -share);
  return loss;
}

}  // namespace kedit
