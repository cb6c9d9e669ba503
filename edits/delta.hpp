#pragma once

#include "edits/fact.hpp"
#include "edits/figures.hpp"
#include "edits/request.hpp"
#include "json/json.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace kedit {

/// [rows, rank] and [rank, cols], float32, CPU, contiguous: the stored matrix becomes
/// W + left @ right, in the checkpoint's own orientation.
struct LowRank {
  at::Tensor left;
  at::Tensor right;
};

/// [rows, cols], float32, CPU, contiguous: the stored matrix becomes W + change. A stored vector of
/// n elements (a bias) counts as a matrix of one row.
struct Dense {
  at::Tensor change;
};

struct WeightUpdate {
  std::string weight;  ///< Checkpoint name: "model.layers.0.mlp.down_proj.weight".
  std::variant<LowRank, Dense> update;

  std::int64_t rows() const;
  std::int64_t cols() const;
  std::int64_t rank() const;  ///< min(rows, cols) for a dense change.
};

/// Something that an editor needs again when it edits on top of this edit (AlphaEdit: the keys of
/// its layers). It lives and goes with the edit.
struct StateTensor {
  std::string name;
  at::Tensor tensor;  ///< [rows, cols], float32, CPU, contiguous
};

/// What an editor found: a value that can be stored, mounted, exported and explained later.
/// Computing one changes nothing.
struct EditDelta {
  std::string editor;  ///< "rome", "in-context", ...
  Json settings;       ///< Hyper-parameters and seed: a `canonical` object, null for none.
  std::string base_fingerprint;  ///< Of the model it was made for; mounting on another is refused.
  std::vector<EditRequest> requests;  ///< What it was asked to do, in order.
  std::vector<WeightUpdate> updates;  ///< Empty for editors that only remember facts.
  std::vector<Fact> facts;            ///< Empty for weight editors.
  std::vector<StateTensor> state;     ///< Empty for editors that do not look back.
  EditFigures figures;                ///< How the edit went; no part of its identity.

  bool changes_weights() const { return !updates.empty(); }
};

/// Thrown when bytes are not a well-formed delta blob, or a delta's shapes contradict each other.
class DeltaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One update as bytes: magic, version, kind, shapes, little-endian float32 payload. `decode`
/// checks every count against the size before it allocates; encode(decode(b)) == b.
std::vector<std::uint8_t> encode_update(const WeightUpdate& update);
WeightUpdate decode_update(const std::vector<std::uint8_t>& bytes);

/// Throws `DeltaError` unless all tensors are float32, CPU, contiguous, finite and of fitting
/// shape.
void validate_delta(const EditDelta& delta);

/// One line for people: editor, weights with shape and rank, or number of facts.
std::string describe(const EditDelta& delta);

}  // namespace kedit
