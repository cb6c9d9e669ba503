#pragma once

#include "model/model.hpp"
#include "training/bpe_trainer.hpp"
#include "training/trainer.hpp"

#include <memory>

namespace kedit::testing {

/// A decoder of one layer, or more, with random weights and a tokenizer of its own: answers
/// nonsense, always the same.
inline std::shared_ptr<const Model> tiny_model(std::uint64_t seed, std::int64_t layers = 1) {
  DecoderShape shape;
  shape.layers = layers;
  shape.hidden = 16;
  shape.heads = 2;
  shape.intermediate = 32;
  shape.vocab = 300;
  shape.max_positions = 512;
  const Architecture architecture = qwen2_architecture(shape);
  const auto tokenizer = Tokenizer::parse(
      train_byte_level_bpe({"Person is a citizen of Belmar", "The capital of Belmar is Corun"},
                           300),
      "the test's tokenizer");
  return Model::from_weights(architecture, initial_weights(architecture, seed), tokenizer);
}

}  // namespace kedit::testing
