#pragma once

#include "edits/delta.hpp"
#include "model/decoder/architecture.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Edits as the adapters that other programs load, and adapters as edits.
namespace kedit::adapters {

/// What an adapter adds to one linear map: y += x a^T b^T. Float32, on the CPU, contiguous.
struct LoraPair {
  std::string weight;  ///< Checkpoint name: "model.layers.0.mlp.down_proj.weight".
  at::Tensor a;        ///< [rank, in]
  at::Tensor b;        ///< [out, rank]
};

/// All that the mounted edits change, one pair a weight, in the order of names, all of one rank
/// (filled with zeros): a scale of alpha / rank = 1 is then right whatever a program reads it from.
struct Lora {
  std::int64_t rank = 0;
  std::vector<LoraPair> pairs;
  /// Weights whose edits have a larger rank in sum than the weight itself: brought down to that,
  /// exactly.
  std::vector<std::string> reduced;
};

/// Throws `ModelError` naming an edit that remembers facts: no form of a model holds it.
void refuse_facts(const EditedModel& model);

/// The pairs of an adapter that does what the mounted edits do to the weights. Throws `ModelError`
/// naming edit and weight where no adapter can: biases, tables, dense changes of full rank.
Lora lora_of(const EditedModel& model);

/// The factors of a weight in the checkpoint's orientation and of a pair, each from the other.
LowRank to_factors(const LoraPair& pair, Orientation orientation);
LoraPair to_pair(const std::string& weight, const LowRank& factors, Orientation orientation);

/// Checkpoint names of the matrices of the layers' linear maps: what adapters change.
std::set<std::string> layer_matrices(const Architecture& architecture);

}  // namespace kedit::adapters
