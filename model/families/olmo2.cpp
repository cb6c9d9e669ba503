#include "model/families/family.hpp"

namespace kedit::families {
namespace {

// Norms stand behind attention and MLP instead of before them; those of query and key span all
// heads.
void read(const JsonView& config, Architecture& out) {
  LlamaDefaults defaults;
  defaults.norm_epsilon = 1e-5;
  read_llama_shape(config, out, defaults);
  out.attention_bias = read_flag(config, "attention_bias", false);
  out.attention_output_bias = out.attention_bias;
  out.query_key_norm = QueryKeyNorm::whole;
  auto& names = out.names;
  names.query_norm = names.block + ".self_attn.q_norm";
  names.key_norm = names.block + ".self_attn.k_norm";
  names.attention_norm.clear();
  names.mlp_norm.clear();
  names.attention_output_norm = names.block + ".post_attention_layernorm";
  names.mlp_output_norm = names.block + ".post_feedforward_layernorm";
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  out["attention_bias"] = architecture.attention_bias;
}

}  // namespace

Family olmo2() { return {"olmo2", "Olmo2ForCausalLM", read, write}; }

}  // namespace kedit::families
