#pragma once

#include "model/decoder/decoder.hpp"
#include "model/decoder/rotary.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kedit::decoder {

/// What all layers of one kind share in one pass.
struct AttentionView {
  RotaryTables rotary;
  at::Tensor mask;      ///< [1 or batch, 1, seq, total] bool, true = may look; undefined: `causal`
  bool causal = false;  ///< New positions only, each sees itself and what is before it
};

/// What all layers of one pass share: made once, read by every layer.
struct AttentionContext {
  AttentionView full;      ///< layers that see everything before them
  AttentionView windowed;  ///< layers with a sliding window
};

/// `past` cached positions stand before the new ones of `input`; `batch` and `seq` are those of the
/// new ones; `like` gives device and dtype of the activations.
AttentionContext attention_context(const Architecture& architecture, const ForwardInput& input,
                                   const at::Tensor& positions, std::int64_t past,
                                   std::int64_t batch, std::int64_t seq, const at::Tensor& like);

/// Self-attention of one layer on the normed input [batch, seq, d], output projection included.
/// With `cache` the layer's new keys and values are appended.
at::Tensor attend(const Architecture& architecture, const LayerWeights& weights,
                  const AttentionContext& context, const at::Tensor& x, std::int64_t layer,
                  KvCache* cache);

}  // namespace kedit::decoder
