#pragma once

#include "model/adapters/lora.hpp"
#include "model/decoder/weight_slots.hpp"
#include "model/edited_model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kedit::testing {

inline at::Tensor random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  return at::randn({rows, cols}, at::detail::createCPUGenerator(seed), at::kFloat) * 0.1;
}

inline std::shared_ptr<const Model> golden_as_stored(const std::string& name) {
  LoadOptions options;
  options.keep_types = true;
  return Model::load(golden_model(name), options);
}

inline EditDelta delta_of(const Model& model, std::vector<WeightUpdate> updates) {
  EditDelta delta;
  delta.editor = "rome";
  delta.base_fingerprint = model.fingerprint();
  delta.requests = {{"r1", "The capital of {} is", "Zemuria", "Azure City", {}, {}, "", {}}};
  delta.updates = std::move(updates);
  return delta;
}

inline WeightUpdate low_rank(const Model& model, const std::string& weight, std::int64_t rank,
                             std::uint64_t seed) {
  const at::Tensor base = model.weight(weight);
  return {weight, LowRank{random_matrix(base.size(0), rank, seed),
                          random_matrix(rank, base.size(1), seed + 1)}};
}

/// Two edits of which both change every matrix of the layers.
inline EditedModel edited_everywhere(const std::shared_ptr<const Model>& model) {
  EditedModel edited(model);
  for (std::uint64_t seed = 1; seed < 3; ++seed) {
    std::vector<WeightUpdate> updates;
    for (const std::string& weight : adapters::layer_matrices(model->architecture())) {
      updates.push_back(low_rank(*model, weight, static_cast<std::int64_t>(seed), 10 * seed));
    }
    edited.mount("edit" + std::to_string(seed), delta_of(*model, std::move(updates)));
  }
  return edited;
}

/// The product in the checkpoint's orientation, float64.
inline at::Tensor product(const LowRank& factors) {
  return at::matmul(factors.left.to(at::kDouble), factors.right.to(at::kDouble));
}

}  // namespace kedit::testing
