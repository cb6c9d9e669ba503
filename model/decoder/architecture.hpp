#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kedit {

/// A checkpoint (or a file of it) cannot be used: unreadable, damaged, of unsupported mathematics.
/// The message is one sentence with file, tensor or field, expected and found.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class NormKind { layer_norm, rms_norm };
enum class PositionKind { learned, rotary };
enum class Activation { gelu_new, gelu, silu, relu };
/// Norms of query and key before the rotation: none, one of [head_dim] for every head, or one over
/// the whole projection [heads * head_dim].
enum class QueryKeyNorm { none, per_head, whole };
enum class RopeKind { plain, linear, llama3, yarn, longrope };

/// How the rotation's frequencies are stretched for texts longer than the first training's. The
/// names are those of `rope_scaling` in config.json; which ones count depends on `kind`.
struct RopeScaling {
  RopeKind kind = RopeKind::plain;
  double factor = 1.0;                  ///< linear, llama3, yarn
  std::int64_t original_positions = 0;  ///< llama3, yarn, longrope: positions before stretching
  double low_frequency_factor = 1.0, high_frequency_factor = 4.0;  ///< llama3
  double beta_fast = 32.0, beta_slow = 1.0;                        ///< yarn
  bool truncate = true;                                            ///< yarn: whole borders
  double attention_factor = 1.0;  ///< yarn, longrope: of the cosine and sine
  /// longrope: one divisor a frequency. Texts of up to `original_positions` turn with the short
  /// ones, longer texts with the long ones, all of their positions.
  std::vector<double> short_factors, long_factors;
};

/// How a matrix of a linear map stands in the checkpoint. Editors ask; nobody guesses from shapes.
enum class Orientation {
  out_in,  ///< nn.Linear: [out, in], y = x W^T + b
  in_out,  ///< GPT-2's Conv1D: [in, out], y = x W + b
};

/// Everything the forward pass needs to know about a decoder (or an encoder), and nothing about
/// families. A family is one file (`model/families/*.cpp`) that fills this from `config.json`.
struct Architecture {
  std::string family;      ///< config.json's model_type
  std::string class_name;  ///< config.json's architectures[0], may be empty
  std::string part_of;     ///< model_type of the model whose text part this is; empty: a whole one
  std::int64_t layers = 0;
  std::int64_t hidden = 0;           ///< d
  std::int64_t embedding_width = 0;  ///< of token table and head, projected to d (OPT); 0: d
  std::int64_t intermediate = 0;     ///< m, width of the MLP's inside
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t max_positions = 0;

  NormKind norm = NormKind::rms_norm;
  double norm_epsilon = 1e-5;
  bool norm_adds_one = false;   ///< RMS norms multiply by 1 + weight (Gemma)
  bool norm_after_sum = false;  ///< output norms act on residual + branch, not on the branch (OPT)
  bool parallel_residual = false;  ///< the MLP reads the block's input, not the attention's result
  bool bidirectional = false;      ///< an encoder: every token sees the whole text (BERT)
  std::int64_t token_types = 0;    ///< rows of the token type table; 0: there is none (BERT)
  double embedding_scale = 1.0;
  PositionKind positions = PositionKind::rotary;
  std::int64_t position_offset = 0;  ///< rows of a learned table before position 0 (OPT: 2)
  double rope_theta = 10000.0;
  double rope_local_theta = 0.0;    ///< of layers with a window, never stretched; 0: as the others
  std::int64_t rotary_dim = 0;      ///< rotated elements of a head; 0: all of head_dim
  bool rotary_interleaved = false;  ///< pairs (2i, 2i + 1) (GPT-J), not (i, i + rotary_dim / 2)
  RopeScaling rope_scaling;
  std::int64_t sliding_window = 0;    ///< positions that a windowed layer sees, itself included
  std::vector<bool> windowed_layers;  ///< [layers]; empty: no layer has a window
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  double query_pre_attn_scalar = 0.0;  ///< scores are divided by its root; 0: by head_dim's
  bool scores_by_layer = false;        ///< scores of layer l are divided by l + 1, too (GPT-2)
  double attention_cap = 0.0;          ///< scores become cap * tanh(score / cap); 0: they stay
  double logit_cap = 0.0;              ///< the same of the logits
  bool gated_mlp = true;
  Activation activation = Activation::silu;
  Orientation orientation = Orientation::out_in;
  bool fused_qkv = false;       ///< one matrix for q, k and v (GPT-2's c_attn)
  bool qkv_by_head = false;     ///< fused rows are (q, k, v) of head 0, then of head 1, ... (NeoX)
  bool fused_gate_up = false;   ///< one matrix, the gate's rows first (Phi-3)
  bool attention_bias = false;  ///< on q, k, v
  bool attention_output_bias = false;
  bool mlp_bias = false;
  bool tied_head = false;
  bool head_bias = false;
  std::vector<std::int64_t> eos_ids;  ///< generation_config.json, else config.json

  /// Checkpoint name templates without ".weight" or ".bias"; "{}" is the layer number. Empty where
  /// the part does not exist.
  struct Names {
    std::string token_embedding, position_embedding, token_type_embedding;
    std::string embedding_norm;  ///< of what the tables give in sum (BERT)
    /// Of the inputs of attention and MLP. A parallel block without `mlp_norm` shares the first.
    std::string attention_norm, mlp_norm, final_norm;
    std::string attention_output_norm, mlp_output_norm;  ///< of what the branches give
    std::string query, key, value, qkv, attention_output;
    std::string query_norm, key_norm;
    std::string gate, up, gate_up, down;  ///< plain MLP: up = c_fc, down = c_proj
    std::string head;
    std::string block;                    ///< "model.layers.{}"
    std::string project_in, project_out;  ///< token table -> d, d -> head
  } names;

  bool windowed(std::int64_t layer) const {
    return !windowed_layers.empty() && windowed_layers[static_cast<std::size_t>(layer)];
  }
  std::int64_t rotated() const { return rotary_dim == 0 ? head_dim : rotary_dim; }
  std::int64_t token_width() const { return embedding_width == 0 ? hidden : embedding_width; }
  /// Positions that the decoder can compute: those of a learned table; `nullopt` where there is no
  /// such limit.
  std::optional<std::int64_t> position_limit() const;
  /// longrope: tokens of the longest text that turns with the short factors. `nullopt`: all texts
  /// turn alike.
  std::optional<std::int64_t> first_length() const;
};

/// Reads `config.json` (and `generation_config.json` if present) of a Hugging Face directory.
/// Of a model of images and text it is the text part (`part_of`). Throws `ModelError` for an
/// unknown model_type, a missing or contradictory field, or a field that changes the mathematics
/// and is not supported (quantization_config, rope scaling, ...), by name.
Architecture read_architecture(const std::filesystem::path& directory);

/// The same from a parsed `config.json`; `origin` is the file name that messages carry.
Architecture architecture_from_config(const Json& config, const std::string& origin);

/// The same for the checkpoint of an encoder; each of the two refuses the other's by name.
Architecture read_encoder_architecture(const std::filesystem::path& directory);

/// The config.json that the reference library reads back to the same architecture (writing side).
Json architecture_to_config(const Architecture& architecture);

/// `names.down` with the layer number filled in and ".weight" appended: the rewrite module of the
/// locate-then-edit papers.
std::string weight_name(const std::string& name_template, std::int64_t layer);

/// "gpt2", "llama", ...: every model_type that `read_architecture` accepts, but for models of
/// several parts.
std::vector<std::string> supported_families();
/// The reference library's class of a family's models; throws for an unknown family.
std::string class_name_of_family(const std::string& model_type);

/// The families that `read_encoder_architecture` accepts.
std::vector<std::string> encoder_families();

/// The reference library's class of a family's models; throws for an unknown family.
std::string class_name_of_family(const std::string& model_type);

}  // namespace kedit
