#pragma once

#include "model/decoder/decoder.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::decoder {

/// One tensor of a decoder: its checkpoint name, the shape that the architecture demands, and where
/// it stands in a `DecoderWeights`.
struct WeightSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor* tensor;
};

/// All slots of `weights` in the order of `named_tensors`. A tied head has no slot of its own.
/// `weights.layers` is resized to the architecture's number of layers.
std::vector<WeightSlot> weight_slots(const Architecture& architecture, DecoderWeights& weights);

}  // namespace kedit::decoder
