#pragma once

#include "edits/delta.hpp"
#include "model/decoder/decoder.hpp"
#include "model/model.hpp"
#include "model/rebuild.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kedit {

using EditId = std::string;

/// What a change of the mounted edits cost: weights rebuilt from the base, and the terms (updates
/// of mounted edits) that were added to them.
struct Rebuilt {
  std::int64_t weights = 0;
  std::int64_t terms = 0;
};

/// A shared immutable base plus an ordered set of mounted edits. A touched weight is always rebuilt
/// as round(base + sum of terms accumulated in float32 in mount order); nothing is ever subtracted,
/// so unmounting any edit in any order gives the weights that the remaining ones alone would give,
/// and unmounting all gives the base's own tensors. Not thread-safe for mounting.
class EditedModel {
 public:
  explicit EditedModel(std::shared_ptr<const Model> base);

  /// Mounts one edit after another, all or none: each weight that they touch is rebuilt once.
  /// The weights are those, to the bit, that mounting them one by one would give. Throws
  /// `ModelError` when a delta is for another base, names an unknown weight, has the wrong shape,
  /// or an id comes twice or is mounted already; the model is then unchanged. Facts are kept beside
  /// the weights.
  Rebuilt mount(std::vector<std::pair<EditId, EditDelta>> edits);
  Rebuilt mount(const EditId& id, EditDelta delta);
  /// Throws `ModelError` when `id` is not mounted.
  Rebuilt unmount(const EditId& id);
  void unmount_all();

  const std::vector<EditId>& mounted() const noexcept;
  /// The mounted edits themselves, parallel to `mounted`.
  const std::vector<std::shared_ptr<const EditDelta>>& deltas() const noexcept { return deltas_; }
  /// All facts of mounted edits, in mount order.
  std::vector<Fact> facts() const;

  const Model& base() const { return *base_; }
  std::shared_ptr<const Model> base_ptr() const { return base_; }
  const Architecture& architecture() const { return base_->architecture(); }
  const Tokenizer& tokenizer() const { return base_->tokenizer(); }
  const DecoderWeights& weights() const { return current_; }
  at::Tensor weight(const std::string& name) const;  ///< With the mounted edits.
  /// Fingerprint of the weights as they are now (equals the base's when nothing is mounted).
  std::string fingerprint() const;

  ForwardOutput forward(const ForwardInput& input, KvCache* cache = nullptr,
                        const Taps* taps = nullptr) const;

 private:
  // Weights that mounted edits touch, by checkpoint name.
  using Overlay = std::map<std::string, at::Tensor>;

  using Deltas = std::vector<std::shared_ptr<const EditDelta>>;

  Overlay overlay_of(const Deltas& deltas, const std::set<std::string>& names, Rebuilt* rebuilt);
  void install(const Overlay& changes);

  std::shared_ptr<const Model> base_;
  std::vector<EditId> order_;
  Deltas deltas_;    // parallel to order_
  Overlay overlay_;  // only touched weights
  WeightBuilder builder_;
  DecoderWeights current_;  // the base's handles, touched ones replaced
};

}  // namespace kedit
