#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
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

/// How a matrix of a linear map stands in the checkpoint. Editors ask; nobody guesses from shapes.
enum class Orientation {
  out_in,  ///< nn.Linear: [out, in], y = x W^T + b
  in_out,  ///< GPT-2's Conv1D: [in, out], y = x W + b
};

/// Everything the forward pass needs to know about a decoder, and nothing about families. A family
/// is one file (`model/families/*.cpp`) that fills this from `config.json`.
struct Architecture {
  std::string family;      ///< config.json's model_type
  std::string class_name;  ///< config.json's architectures[0], may be empty
  std::int64_t layers = 0;
  std::int64_t hidden = 0;        ///< d
  std::int64_t intermediate = 0;  ///< m, width of the MLP's inside
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t max_positions = 0;

  NormKind norm = NormKind::rms_norm;
  double norm_epsilon = 1e-5;
  PositionKind positions = PositionKind::rotary;
  double rope_theta = 10000.0;
  bool gated_mlp = true;
  Activation activation = Activation::silu;
  Orientation orientation = Orientation::out_in;
  bool fused_qkv = false;       ///< one matrix for q, k and v (GPT-2's c_attn)
  bool attention_bias = false;  ///< on q, k, v
  bool attention_output_bias = false;
  bool mlp_bias = false;
  bool tied_head = false;
  std::vector<std::int64_t> eos_ids;  ///< generation_config.json, else config.json

  /// Checkpoint name templates without ".weight" or ".bias"; "{}" is the layer number. Empty where
  /// the part does not exist.
  struct Names {
    std::string token_embedding, position_embedding;
    std::string attention_norm, mlp_norm, final_norm;
    std::string query, key, value, qkv, attention_output;
    std::string gate, up, down;  ///< plain MLP: up = c_fc, down = c_proj
    std::string head;
    std::string block;  ///< "model.layers.{}"
  } names;
};

/// Reads `config.json` (and `generation_config.json` if present) of a Hugging Face directory.
/// Throws `ModelError` for an unknown model_type, a missing or contradictory field, or a field that
/// changes the mathematics and is not supported (quantization_config, rope scaling, ...), by name.
Architecture read_architecture(const std::filesystem::path& directory);

/// The same from a parsed `config.json`; `origin` is the file name that messages carry.
Architecture architecture_from_config(const Json& config, const std::string& origin);

/// The config.json that the reference library reads back to the same architecture (writing side).
Json architecture_to_config(const Architecture& architecture);

/// `names.down` with the layer number filled in and ".weight" appended: the rewrite module of the
/// locate-then-edit papers.
std::string weight_name(const std::string& name_template, std::int64_t layer);

/// "gpt2", "llama", ...: every model_type that `read_architecture` accepts.
std::vector<std::string> supported_families();

}  // namespace kedit
