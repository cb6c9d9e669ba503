#pragma once

#include "editors/locate/subject_position.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace kedit::locate {

/// Activations at the fact tokens of many texts, read while the weights of ever higher layers
/// change: what MEMIT and AlphaEdit look at before each layer's update. The input of the lowest
/// layer that may still change is kept, so that no layer below it runs twice. (Texts whose inputs
/// would take more than `memory_bytes` run from the beginning each time.)
class SubjectSweep {
 public:
  /// Throws `EditError` when a text is longer than the model's positions.
  SubjectSweep(const EditedModel& model, std::vector<LocatedText> texts,
               std::int64_t memory_bytes = std::int64_t{4} << 30);

  std::int64_t size() const { return std::ssize(texts_); }

  /// [texts, width] float32 on the model's device: the activations at (layer, site). The layers
  /// below `changed` must be as they were at the earlier calls; `changed` may only grow, and is at
  /// most `layer`.
  at::Tensor read(const EditedModel& model, std::int64_t changed, std::int64_t layer, Site site);

 private:
  /// Texts of similar length that run together.
  struct Chunk {
    std::vector<std::int64_t> places;  // in texts_
    at::Tensor ids;                    // [rows, seq]
    at::Tensor input;                  // [rows, seq, d] of layer `layer_`; undefined: not kept
  };
  at::Tensor read_chunk(const EditedModel& model, Chunk& chunk, std::int64_t changed,
                        std::int64_t layer, Site site);

  std::vector<LocatedText> texts_;
  std::vector<Chunk> chunks_;
  std::int64_t layer_ = 0;
  bool keeps_inputs_ = true;
};

}  // namespace kedit::locate
