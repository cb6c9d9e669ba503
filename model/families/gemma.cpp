#include "model/families/family.hpp"

#include <cmath>

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  read_gemma_shape(config, out, 10000.0);
  // Older files name an approximation that the model was not trained with in hidden_act, and the
  // right one in hidden_activation.
  const bool named = config.has("hidden_activation");
  out.activation =
      read_activation(config, named ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh");
}

void write(const Architecture& architecture, Json& out) { write_gemma_shape(architecture, out); }

}  // namespace

void read_gemma_shape(const JsonView& config, Architecture& out, double absent_theta) {
  LlamaDefaults defaults;
  defaults.rope_theta = absent_theta;
  defaults.head_dim = 256;
  defaults.tied_head = true;
  read_llama_shape(config, out, defaults);
  out.attention_bias = read_flag(config, "attention_bias", false);
  out.attention_output_bias = out.attention_bias;
  out.activation = read_activation(config, "hidden_activation", "gelu_pytorch_tanh");
  out.norm_adds_one = true;
  out.embedding_scale = std::sqrt(static_cast<double>(out.hidden));
}

void write_gemma_shape(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  out["attention_bias"] = architecture.attention_bias;
  const bool tanh = architecture.activation == Activation::gelu_new;
  out["hidden_act"] =
      tanh ? "gelu_pytorch_tanh" : std::string(activation_name(architecture.activation));
  out["hidden_activation"] = out["hidden_act"];
}

void write_gemma_norms(const Architecture& architecture, Json& out) {
  out["query_pre_attn_scalar"] = architecture.query_pre_attn_scalar;
}

void read_gemma_norms(const JsonView& config, Architecture& out) {
  out.query_pre_attn_scalar = read_positive(config, "query_pre_attn_scalar", 256.0);
  auto& names = out.names;
  names.attention_output_norm = names.block + ".post_attention_layernorm";
  names.mlp_norm = names.block + ".pre_feedforward_layernorm";
  names.mlp_output_norm = names.block + ".post_feedforward_layernorm";
}

Family gemma() { return {"gemma", "GemmaForCausalLM", read, write}; }

}  // namespace kedit::families
