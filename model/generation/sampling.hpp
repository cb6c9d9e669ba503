#pragma once

#include "model/language_model.hpp"

#include <cstdint>
#include <vector>

namespace kedit::generation {

/// Uniform in [0, 1), a function of its arguments alone: number `step` of the stream that a
/// (prompt, sample) has under `seed`. SplitMix64's mixer (Steele et al. 2014) over the four.
double stream_uniform(std::uint64_t seed, std::uint64_t prompt, std::uint64_t sample,
                      std::uint64_t step);

/// A token drawn by `uniform` from softmax(logits / temperature), restricted first to the `top_k`
/// largest, then to the smallest set of the most probable that holds `top_p` of the mass. Equal
/// logits rank by id. Throws `ModelError` when no logit is finite.
std::int64_t sample_token(const float* logits, std::int64_t vocab, const GenerateOptions& options,
                          double uniform);

}  // namespace kedit::generation
