#pragma once

#include "json/json.hpp"
#include "model/decoder/architecture.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a family file needs: readers of config.json fields that say which field is wrong. The only
/// place where families have names.
namespace kedit::families {

struct Family {
  std::string_view model_type;
  std::string_view class_name;  ///< The reference library's class, written into config.json.
  void (*read)(const JsonView& config, Architecture& out);
  void (*write)(const Architecture& architecture, Json& out);
};

Family bert();  ///< an encoder
Family gemma();
Family gemma2();
Family gemma3_text();
Family gpt2();
Family gpt_neox();
Family gptj();
Family llama();
Family mistral();
Family olmo2();
Family opt();
Family phi3();
Family qwen2();
Family qwen3();

/// The text part of a model that reads images as well.
struct TextPart {
  Json config;          ///< With what its class takes where the file says nothing.
  std::string pointer;  ///< Where it stands in the file.
};

/// What config.json says of the text part, where it describes a model of several parts of which the
/// text part is a decoder that we know; `nullopt` for any other model_type. For text alone the
/// rotation over time, height and width (mrope) is the plain one and is read as such. Throws
/// `JsonError` for another kind of text part.
std::optional<TextPart> text_part(const JsonView& config);
/// "gemma3", "llava", ...
std::vector<std::string> models_with_text_part();

/// A size: an integer from 1 to 2^31. The first form is required; the second has a default for an
/// absent or null field.
std::int64_t read_size(const JsonView& config, std::string_view key);
std::int64_t read_size(const JsonView& config, std::string_view key, std::int64_t absent);
/// A number of layers: an integer from 1 to 10,000, so that a hostile file cannot ask for more.
std::int64_t read_layer_count(const JsonView& config, std::string_view key);
double read_positive(const JsonView& config, std::string_view key, double absent);
bool read_flag(const JsonView& config, std::string_view key, bool absent);
Activation read_activation(const JsonView& config, std::string_view key, std::string_view absent);
std::string_view activation_name(Activation activation);

/// Refuses a field that is there and changes the mathematics in a way the decoder cannot compute.
void require_flag(const JsonView& config, std::string_view key, bool supported);

/// A positive number whose null means "none" (0) and whose absence means `absent`.
double read_optional(const JsonView& config, std::string_view key, double absent);
void write_optional(Json& out, std::string_view key, double value);  ///< 0 is written as null.

/// Refuses, by name, what no family file reads and what would change the mathematics: quantised
/// weights, mixtures of experts, latent attention, ...
void refuse_foreign(const JsonView& config);
/// Refuses fields that some other family reads, `out` being what this one has read.
void refuse_unread(const JsonView& config, const Architecture& out);

/// Refuses an architecture whose parts contradict each other or whose products overflow.
void check_consistent(const JsonView& config, const Architecture& out);

/// rope_theta and the stretching of the rotation, in the old spelling (rope_theta, rope_scaling
/// with "type" or "rope_type") or the new one (rope_parameters). Reads max_positions and rotated()
/// of `out`. Throws for a kind that is not supported.
void read_rope(const JsonView& config, Architecture& out, double absent_theta);
void write_rope(const Architecture& architecture, Json& out);
/// partial_rotary_factor (also inside rope_parameters) or an older `key` into rotary_dim.
void read_partial_rotary(const JsonView& config, Architecture& out, std::string_view key,
                         double absent);
/// The factor that reads back to rotary_dim.
double partial_rotary(const Architecture& architecture);

/// layer_types, or `is_windowed` where the file does not list them, with a window of `window`
/// positions (0: none).
void read_windows(const JsonView& config, Architecture& out, std::int64_t window,
                  const std::function<bool(std::int64_t layer)>& is_windowed);
/// sliding_window: `absent` when the key is not there, 0 (none) when it is null.
std::int64_t read_window(const JsonView& config, std::int64_t absent);
void write_windows(const Architecture& architecture, Json& out);

/// The Qwen-type rule of windows: use_sliding_window, max_window_layers.
void read_qwen_windows(const JsonView& config, Architecture& out);
void write_qwen_windows(const Architecture& architecture, Json& out);

/// As many key heads as query heads, each of hidden / heads values.
void read_equal_heads(const JsonView& config, Architecture& out, std::string_view hidden_key,
                      std::string_view heads_key);

/// n_embd, n_layer, ... of the GPT-2-type families, but for the positions.
void read_gpt_shape(const JsonView& config, Architecture& out, bool tied_head);
void write_gpt_shape(const Architecture& architecture, Json& out);

/// What the Llama-type families take where config.json says nothing.
struct LlamaDefaults {
  std::int64_t head_dim = 0;  ///< 0: hidden_size / num_attention_heads
  double norm_epsilon = 1e-6;
  double rope_theta = 10000.0;
  bool tied_head = false;
};

/// hidden_size, num_attention_heads, ... of the Llama-type families, and their tensor names.
void read_llama_shape(const JsonView& config, Architecture& out,
                      const LlamaDefaults& defaults = {});
void write_llama_shape(const Architecture& architecture, Json& out);

/// The Gemma-type families on top of that: norms of 1 + weight, a scaled embedding, GELU.
void read_gemma_shape(const JsonView& config, Architecture& out, double absent_theta);
void write_gemma_shape(const Architecture& architecture, Json& out);
/// Gemma 2 and 3: norms on both sides of a branch, query_pre_attn_scalar.
void read_gemma_norms(const JsonView& config, Architecture& out);
void write_gemma_norms(const Architecture& architecture, Json& out);

}  // namespace kedit::families
