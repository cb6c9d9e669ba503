#include "model/families/family.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace kedit::families {
namespace {

constexpr std::array<std::pair<std::string_view, Activation>, 7> kActivations = {{
    {"gelu_new", Activation::gelu_new},
    {"gelu", Activation::gelu},
    {"silu", Activation::silu},
    {"relu", Activation::relu},
    {"gelu_pytorch_tanh", Activation::gelu_new},
    {"gelu_fast", Activation::gelu_new},
    {"swish", Activation::silu},
}};

void set_llama_names(Architecture::Names& names) {
  names.token_embedding = "model.embed_tokens";
  names.block = "model.layers.{}";
  names.attention_norm = names.block + ".input_layernorm";
  names.mlp_norm = names.block + ".post_attention_layernorm";
  names.final_norm = "model.norm";
  names.query = names.block + ".self_attn.q_proj";
  names.key = names.block + ".self_attn.k_proj";
  names.value = names.block + ".self_attn.v_proj";
  names.attention_output = names.block + ".self_attn.o_proj";
  names.gate = names.block + ".mlp.gate_proj";
  names.up = names.block + ".mlp.up_proj";
  names.down = names.block + ".mlp.down_proj";
  names.head = "lm_head";
}

}  // namespace

std::int64_t read_size(const JsonView& config, std::string_view key) {
  const JsonView field = config.at(key);
  const std::int64_t value = field.integer();
  if (value < 1 || value > (std::int64_t{1} << 31)) field.fail("an integer from 1 to 2^31");
  return value;
}

std::int64_t read_size(const JsonView& config, std::string_view key, std::int64_t absent) {
  return config.has(key) ? read_size(config, key) : absent;
}

std::int64_t read_layer_count(const JsonView& config, std::string_view key) {
  const std::int64_t layers = read_size(config, key);
  if (layers > 10000) config.at(key).fail("at most 10000 layers");
  return layers;
}

double read_positive(const JsonView& config, std::string_view key, double absent) {
  const auto field = config.find(key);
  if (!field) return absent;
  const double value = field->number();
  if (!(value > 0.0) || !std::isfinite(value)) field->fail("a positive number");
  return value;
}

bool read_flag(const JsonView& config, std::string_view key, bool absent) {
  const auto field = config.find(key);
  return field ? field->boolean() : absent;
}

void require_flag(const JsonView& config, std::string_view key, bool supported) {
  const auto field = config.find(key);
  if (field && field->boolean() != supported) {
    field->fail(supported ? "true (false is not supported)" : "false (true is not supported)");
  }
}

Activation read_activation(const JsonView& config, std::string_view key, std::string_view absent) {
  const auto field = config.find(key);
  const std::string name = field ? field->string() : std::string(absent);
  for (const auto& [known, activation] : kActivations) {
    if (known == name) return activation;
  }
  config.at(key).fail(
      "an activation among gelu_new, gelu, gelu_fast, gelu_pytorch_tanh, silu, swish, relu");
}

std::string_view activation_name(Activation activation) {
  for (const auto& [name, value] : kActivations) {
    if (value == activation) return name;
  }
  throw ModelError("writing a configuration: unknown activation");
}

double read_optional(const JsonView& config, std::string_view key, double absent) {
  const Json& value = config.value();
  const bool is_null = value.contains(key) && value.at(std::string(key)).is_null();
  return is_null ? 0.0 : read_positive(config, key, absent);
}

void write_optional(Json& out, std::string_view key, double value) {
  out[std::string(key)] = value > 0.0 ? Json(value) : Json(nullptr);
}

std::int64_t read_window(const JsonView& config, std::int64_t absent) {
  if (!config.value().contains("sliding_window")) return absent;
  return config.has("sliding_window") ? read_size(config, "sliding_window") : 0;
}

void read_windows(const JsonView& config, Architecture& out, std::int64_t window,
                  const std::function<bool(std::int64_t)>& is_windowed) {
  std::vector<bool> windowed;
  if (const auto kinds = config.find("layer_types")) {
    if (static_cast<std::int64_t>(kinds->size()) != out.layers) {
      kinds->fail(fmt::format("one kind for each of {} layers", out.layers));
    }
    for (std::size_t i = 0; i < kinds->size(); ++i) {
      const std::string kind = kinds->at(i).string();
      if (kind != "full_attention" && kind != "sliding_attention") {
        kinds->at(i).fail(R"("full_attention" or "sliding_attention")");
      }
      windowed.push_back(kind == "sliding_attention");
      if (windowed.back() && window == 0) {
        kinds->at(i).fail("\"full_attention\" (the file gives no sliding window)");
      }
    }
  } else {
    for (std::int64_t i = 0; i < out.layers; ++i) {
      windowed.push_back(window > 0 && is_windowed(i));
    }
  }
  if (std::find(windowed.begin(), windowed.end(), true) == windowed.end()) return;
  out.sliding_window = window;
  out.windowed_layers = std::move(windowed);
}

void write_windows(const Architecture& architecture, Json& out) {
  const bool any = !architecture.windowed_layers.empty();
  out["sliding_window"] = any ? Json(architecture.sliding_window) : Json(nullptr);
  if (!any) return;
  Json kinds = Json::array();
  for (const bool windowed : architecture.windowed_layers) {
    kinds.push_back(windowed ? "sliding_attention" : "full_attention");
  }
  out["layer_types"] = std::move(kinds);
}

void read_equal_heads(const JsonView& config, Architecture& out, std::string_view hidden_key,
                      std::string_view heads_key) {
  out.hidden = read_size(config, hidden_key);
  out.heads = read_size(config, heads_key);
  out.kv_heads = out.heads;
  if (out.hidden % out.heads != 0) {
    config.at(hidden_key).fail(fmt::format("a multiple of {} = {}", heads_key, out.heads));
  }
  out.head_dim = out.hidden / out.heads;
}

void read_llama_shape(const JsonView& config, Architecture& out, const LlamaDefaults& defaults) {
  out.hidden = read_size(config, "hidden_size");
  out.intermediate = read_size(config, "intermediate_size");
  out.layers = read_layer_count(config, "num_hidden_layers");
  out.heads = read_size(config, "num_attention_heads");
  out.kv_heads = read_size(config, "num_key_value_heads", out.heads);
  out.vocab = read_size(config, "vocab_size");
  out.max_positions = read_size(config, "max_position_embeddings", 2048);
  const bool derived = !config.has("head_dim") && defaults.head_dim == 0;
  if (derived && out.hidden % out.heads != 0) {
    config.at("hidden_size").fail(fmt::format("a multiple of num_attention_heads = {}", out.heads));
  }
  out.head_dim =
      derived ? out.hidden / out.heads : read_size(config, "head_dim", defaults.head_dim);
  if (out.heads % out.kv_heads != 0) {
    config.at("num_key_value_heads")
        .fail(fmt::format("a divisor of num_attention_heads = {}", out.heads));
  }
  out.norm = NormKind::rms_norm;
  out.norm_epsilon = read_positive(config, "rms_norm_eps", defaults.norm_epsilon);
  out.positions = PositionKind::rotary;
  read_rope(config, out, defaults.rope_theta);
  out.gated_mlp = true;
  out.activation = read_activation(config, "hidden_act", "silu");
  out.orientation = Orientation::out_in;
  out.tied_head = read_flag(config, "tie_word_embeddings", defaults.tied_head);
  set_llama_names(out.names);
}

void write_llama_shape(const Architecture& architecture, Json& out) {
  out["hidden_size"] = architecture.hidden;
  out["intermediate_size"] = architecture.intermediate;
  out["num_hidden_layers"] = architecture.layers;
  out["num_attention_heads"] = architecture.heads;
  out["num_key_value_heads"] = architecture.kv_heads;
  out["head_dim"] = architecture.head_dim;
  out["vocab_size"] = architecture.vocab;
  out["max_position_embeddings"] = architecture.max_positions;
  out["rms_norm_eps"] = architecture.norm_epsilon;
  write_rope(architecture, out);
  out["hidden_act"] = std::string(activation_name(architecture.activation));
  out["tie_word_embeddings"] = architecture.tied_head;
}

}  // namespace kedit::families
