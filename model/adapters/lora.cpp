#include "model/adapters/lora.hpp"

#include "model/adapters/low_rank.hpp"
#include "model/decoder/weight_slots.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kedit::adapters {
namespace {

constexpr const char* kWhole = "export the whole model (--to hf)";

[[noreturn]] void refuse(const EditId& id, const EditDelta& delta, const std::string& what) {
  throw ModelError(fmt::format("exporting edit {} of {}: {}", id, delta.editor, what));
}

// A dense change that is a product of few columns and rows but for rounding.
LowRank factors_of_dense(const EditId& id, const EditDelta& delta, const WeightUpdate& update,
                         const at::Tensor& weight) {
  const at::Tensor& change = std::get<Dense>(update.update).change;
  const double size = change.to(at::kDouble).norm().item<double>();
  if (size == 0.0) return {at::zeros({update.rows(), 1}), at::zeros({1, update.cols()})};
  const double weight_size = weight.cpu().to(at::kDouble).norm().item<double>();
  auto found = find_low_rank(change, rounding_error(at::kFloat) * (size + weight_size),
                             largest_saving_rank(update.rows(), update.cols()));
  if (found) return *std::move(found);
  refuse(id, delta,
         fmt::format("{}: expected a change of low rank, which an adapter holds, found a dense one "
                     "of full rank; {}",
                     update.weight, kWhole));
}

LowRank factors_of(const EditId& id, const EditDelta& delta, const WeightUpdate& update,
                   const EditedModel& model) {
  if (const auto* low_rank = std::get_if<LowRank>(&update.update)) return *low_rank;
  return factors_of_dense(id, delta, update, model.base().weight(update.weight));
}

void check_held(const EditId& id, const EditDelta& delta, const std::set<std::string>& matrices) {
  for (const WeightUpdate& update : delta.updates) {
    if (matrices.count(update.weight) > 0) continue;
    const bool bias = update.weight.ends_with(".bias");
    refuse(
        id, delta,
        fmt::format("{}: expected a matrix of a layer, which an adapter can change, found {}; {}",
                    update.weight, bias ? "a bias" : "another weight", kWhole));
  }
}

using Parts = std::vector<LowRank>;

std::map<std::string, Parts> parts_by_weight(const EditedModel& model) {
  const std::set<std::string> matrices = layer_matrices(model.architecture());
  std::map<std::string, Parts> parts;
  for (std::size_t i = 0; i < model.deltas().size(); ++i) {
    const EditId& id = model.mounted()[i];
    const EditDelta& delta = *model.deltas()[i];
    check_held(id, delta, matrices);
    for (const WeightUpdate& update : delta.updates) {
      parts[update.weight].push_back(factors_of(id, delta, update, model));
    }
  }
  return parts;
}

LowRank side_by_side(const Parts& parts) {
  std::vector<at::Tensor> left, right;
  for (const LowRank& part : parts) {
    left.push_back(part.left);
    right.push_back(part.right);
  }
  return {at::cat(left, 1).contiguous(), at::cat(right, 0).contiguous()};
}

// The product of factors that are wider than it, as one of its own rank.
LowRank reduced(const LowRank& factors) {
  const at::Tensor product =
      at::matmul(factors.left.to(at::kDouble), factors.right.to(at::kDouble));
  const double size = product.norm().item<double>();
  if (size == 0.0) {
    return {at::zeros({product.size(0), 1}), at::zeros({1, product.size(1)})};
  }
  auto found = find_low_rank(product, rounding_error(at::kFloat) * size,
                             std::min(product.size(0), product.size(1)) - 1);
  return found ? *std::move(found) : with_identity(product);
}

at::Tensor filled(const at::Tensor& factor, std::int64_t dimension, std::int64_t rank) {
  std::vector<std::int64_t> shape = factor.sizes().vec();
  shape[static_cast<std::size_t>(dimension)] = rank - factor.size(dimension);
  return at::cat({factor, at::zeros(shape, factor.options())}, dimension).contiguous();
}

}  // namespace

std::set<std::string> layer_matrices(const Architecture& architecture) {
  const std::string& block = architecture.names.block;
  const std::string before = block.substr(0, block.find("{}"));
  DecoderWeights weights;
  std::set<std::string> names;
  for (const auto& slot : decoder::weight_slots(architecture, weights)) {
    if (slot.shape.size() == 2 && slot.name.starts_with(before)) names.insert(slot.name);
  }
  return names;
}

void refuse_facts(const EditedModel& model) {
  for (std::size_t i = 0; i < model.deltas().size(); ++i) {
    if (model.deltas()[i]->facts.empty()) continue;
    refuse(model.mounted()[i], *model.deltas()[i],
           "expected an edit of weights, found one that remembers facts, which are in force only "
           "where kedit writes the prompts; name the others with --edits");
  }
}

LowRank to_factors(const LoraPair& pair, Orientation orientation) {
  if (orientation == Orientation::out_in) return {pair.b, pair.a};
  return {pair.a.t().contiguous(), pair.b.t().contiguous()};
}

LoraPair to_pair(const std::string& weight, const LowRank& factors, Orientation orientation) {
  if (orientation == Orientation::out_in) return {weight, factors.right, factors.left};
  return {weight, factors.left.t().contiguous(), factors.right.t().contiguous()};
}

Lora lora_of(const EditedModel& model) {
  Lora lora;
  for (const auto& [weight, parts] : parts_by_weight(model)) {
    LowRank factors = side_by_side(parts);
    if (factors.left.size(1) > std::min(factors.left.size(0), factors.right.size(1))) {
      factors = reduced(factors);
      lora.reduced.push_back(weight);
    }
    lora.pairs.push_back(to_pair(weight, factors, model.architecture().orientation));
    lora.rank = std::max(lora.rank, factors.left.size(1));
  }
  for (LoraPair& pair : lora.pairs) {
    pair.a = filled(pair.a, 0, lora.rank);
    pair.b = filled(pair.b, 1, lora.rank);
  }
  return lora;
}

}  // namespace kedit::adapters
