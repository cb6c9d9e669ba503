#pragma once

#include "model/decoder/architecture.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Legend of dimensions, for this folder and all that use it:
///   batch  rows of a batch            seq    token positions of this call
///   total  cached + new positions     d      hidden width (Architecture::hidden)
///   m      inner width of the MLP     vocab  size of the vocabulary
///   heads, kv_heads, head_dim         attention shape
namespace kedit {

/// y = x W^T + b or x W + b, as the orientation says. An undefined weight: the part does not exist.
struct Linear {
  at::Tensor weight;  ///< [out, in] or [in, out]
  at::Tensor bias;    ///< [out] or undefined
};

/// An undefined weight: the part does not exist.
struct Norm {
  at::Tensor weight;  ///< [width], most often d
  at::Tensor bias;    ///< [width] or undefined
};

struct LayerWeights {
  Norm attention_norm, mlp_norm;                ///< of the branches' inputs
  Norm attention_output_norm, mlp_output_norm;  ///< of their outputs
  Linear query, key, value;                     ///< or `qkv`
  Linear qkv;
  Norm query_norm, key_norm;  ///< [head_dim], or the width of all heads
  Linear attention_output;
  Linear gate, up, down;  ///< gate undefined for a plain MLP
  Linear gate_up;         ///< in place of `gate` and `up`
};

/// The tensors of a decoder, resolved from names once. Copying copies handles, not data, so an
/// overlay (EditedModel) or a set of trainable tensors is a cheap copy with some handles replaced.
struct DecoderWeights {
  at::Tensor token_embedding;     ///< [vocab, Architecture::token_width()], d but for OPT
  at::Tensor position_embedding;  ///< [position_offset + max_positions, d] or undefined
  std::vector<LayerWeights> layers;
  Norm final_norm;
  at::Tensor head;                  ///< [vocab, token width]; the embedding itself when tied
  at::Tensor head_bias;             ///< [vocab] or undefined
  Linear project_in, project_out;   ///< token width -> d, d -> token width; undefined: equal widths
  at::Tensor token_type_embedding;  ///< [token_types, d] or undefined: of encoders
  Norm embedding_norm;              ///< of the embeddings' sum, of encoders
};

using TensorLookup =
    std::function<at::Tensor(const std::string& name)>;  ///< Undefined when absent.

/// Resolves every name of `architecture` through `lookup` and checks every shape. Throws
/// `ModelError` naming tensor, expected and found shape.
DecoderWeights resolve_weights(const Architecture& architecture, const TensorLookup& lookup,
                               const std::string& origin);

/// All (checkpoint name, tensor) pairs of `weights` in a fixed order (embedding, layers, final
/// norm, head unless tied, projections, an encoder's token types and embedding norm).
std::vector<std::pair<std::string, at::Tensor>> named_tensors(const Architecture& architecture,
                                                              const DecoderWeights& weights);

/// Named places in a layer where a tap may read or replace the activation. Shapes:
enum class Site {
  resid_pre,  ///< [batch, seq, d]  input of the block
  attn_out,   ///< [batch, seq, d]  what attention adds to the residual (bias, output norm included)
  mlp_key,    ///< [batch, seq, m]  input of the second MLP matrix (the "rewrite module")
  mlp_out,    ///< [batch, seq, d]  what the MLP adds to the residual (bias, output norm included)
  resid_post,  ///< [batch, seq, d]  output of the block, before the final norm
  resid_mid,   ///< [batch, seq, d]  what the MLP's output joins: the residual with attention in it
  mlp_value,   ///< [batch, seq, d]  output of the second MLP matrix; `mlp_out` before its norm
};

/// Called with the activation at (layer, site); what it returns takes its place (return the
/// argument to only read). Autograd flows through it.
using TapFunction = std::function<at::Tensor(const at::Tensor& activation)>;

/// A set of taps for one forward pass.
class Taps {
 public:
  /// Taps at the same place run in the order in which they were added.
  Taps& add(std::int64_t layer, Site site, TapFunction function);
  /// Runs the layers up to and including `layer` only; the pass then returns no logits.
  Taps& stop_after(std::int64_t layer) {
    last_layer_ = layer;
    return *this;
  }

  at::Tensor apply(std::int64_t layer, Site site, at::Tensor activation) const;
  std::optional<std::int64_t> last_layer() const { return last_layer_; }
  bool empty() const { return taps_.empty(); }

 private:
  struct Entry {
    std::int64_t layer;
    Site site;
    TapFunction function;
  };
  std::vector<Entry> taps_;
  std::optional<std::int64_t> last_layer_;
};

/// A tap that stores the activation at rows r, positions p: out = activation[rows, positions], [n,
/// width].
TapFunction read_at(std::vector<std::int64_t> rows, std::vector<std::int64_t> positions,
                    at::Tensor* out);
/// A tap that adds `delta` ([width] or [n, width]) at (rows, positions), differentiable in `delta`.
TapFunction add_at(std::vector<std::int64_t> rows, std::vector<std::int64_t> positions,
                   at::Tensor delta);

/// Keys and values of earlier positions, per layer. Copies are cheap and independent: each may go
/// on by itself, and only the first to do so writes into the buffers that they share.
struct KvCache {
  std::vector<at::Tensor> keys, values;  ///< [batch, kv_heads, own columns, head_dim] or undefined
  /// Columns before the own ones that every row sees, [1, kv_heads, columns, head_dim]: kept once,
  /// not once a row. Empty: none.
  std::vector<at::Tensor> shared_keys, shared_values;

  std::int64_t length() const;  ///< cached positions (columns), 0 when empty
  std::int64_t length(std::int64_t layer) const;
  std::int64_t shared_length() const;
  KvCache select_rows(const at::Tensor& rows) const;  ///< rows: [n] int64; copies
  KvCache truncate(std::int64_t length) const;        ///< without shared columns
  KvCache expand_rows(std::int64_t batch) const;      ///< one cached row shared by a batch

  /// Appends the new columns of a layer and gives back all own ones. Under no-grad mode they are
  /// written into buffers with room for more; where gradients may be recorded, into new tensors.
  void append(std::int64_t layer, at::Tensor& key, at::Tensor& value);
  /// Buffers that are made from now on have room for this many own columns at least.
  void reserve(std::int64_t columns) { wanted_columns_ = columns; }
  /// Keeps the first rows after row `from[i]` has taken the place of row i (rows that stay where
  /// they are cost nothing). No row may be taken from a place that an earlier step has filled.
  void keep_rows(const std::vector<std::int64_t>& from);
  /// Lets go of the columns from `length` on, so that others can be written in their place, unless
  /// a copy of this cache may still read them.
  void rewind(std::int64_t length);

  /// The columns of this one-row cache as shared columns of a batch that has no own ones yet.
  KvCache shared() const;
  /// The same with own copies of the shared columns for each of `batch` rows.
  KvCache unshared(std::int64_t batch) const;
  std::int64_t bytes() const;  ///< Of the own columns, with the room for more.

 private:
  struct Room;  // buffers behind `keys` and `values`
  bool fits(std::int64_t layer, std::int64_t more) const;
  void make_room(std::int64_t layer, std::int64_t columns, const at::Tensor& like);

  std::shared_ptr<Room> room_;
  std::shared_ptr<const Room> shared_room_;  // keeps what is shared from being rewound
  std::int64_t wanted_columns_ = 0;
};

struct ForwardInput {
  at::Tensor ids;        ///< [batch, seq] int64
  at::Tensor positions;  ///< [batch, seq] int64 or undefined: cache length, +1, ...
  at::Tensor key_mask;   ///< [batch, total] bool or undefined: which columns may be attended at all
  /// Tokens of the texts when more of them follow in later calls; 0: each row's last position + 1.
  /// By it longrope chooses the frequencies of this call's positions; cached keys stay as they are.
  std::int64_t text_length = 0;
  /// Where logits are wanted: undefined = everywhere; else [batch] or [n] int64 flat indices into
  /// batch*seq, so that the head is computed only there.
  at::Tensor logit_positions;
  bool want_logits = true;
  /// Start in the middle: the blocks below `start_layer` are skipped and `start_hidden` [batch,
  /// seq, d] takes the place of their output (with start_layer == layers only final norm and head
  /// run). Autograd flows through it. `ids` may then be undefined; `positions` and `key_mask` mean
  /// what they always mean.
  std::int64_t start_layer = 0;
  at::Tensor start_hidden;  ///< Undefined: the embedding, as usual.
};

struct ForwardOutput {
  at::Tensor hidden;  ///< [batch, seq, d] after the last block that ran, before the final norm
  at::Tensor logits;  ///< [batch, seq, vocab] or [n, vocab]; compute dtype
};

/// One pass of the decoder. Causal within the new positions, everything cached is visible (subject
/// to `key_mask`). With `cache` the new keys and values are appended. Autograd is on or off as the
/// caller's mode says. Throws `ModelError` for an id outside the vocabulary or a position beyond a
/// learned table.
ForwardOutput forward(const Architecture& architecture, const DecoderWeights& weights,
                      const ForwardInput& input, KvCache* cache = nullptr,
                      const Taps* taps = nullptr);

}  // namespace kedit
