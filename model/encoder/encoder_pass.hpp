#pragma once

#include "model/decoder/decoder.hpp"
#include "model/encoder.hpp"
#include "model/encoder/packed_texts.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::encoder {

/// Token vectors of a pack after the last block, [tokens, d]: post-norm blocks (Devlin et al. 2019)
/// over the sum of token, position and type tables, each text by itself. Ids and lengths are
/// trusted. Call under c10::InferenceMode.
at::Tensor encode(const Architecture& architecture, const DecoderWeights& weights,
                  const std::vector<std::vector<std::int64_t>>& texts, const PackedTexts& pack);

/// One vector a text, in the pack's order: [texts, d] float32.
at::Tensor pool(Pooling pooling, const at::Tensor& hidden, const PackedTexts& pack);

}  // namespace kedit::encoder
