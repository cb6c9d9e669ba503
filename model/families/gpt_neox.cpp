#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void set_names(Architecture::Names& names) {
  names.token_embedding = "gpt_neox.embed_in";
  names.block = "gpt_neox.layers.{}";
  names.attention_norm = names.block + ".input_layernorm";
  names.mlp_norm = names.block + ".post_attention_layernorm";
  names.final_norm = "gpt_neox.final_layer_norm";
  names.qkv = names.block + ".attention.query_key_value";
  names.attention_output = names.block + ".attention.dense";
  names.up = names.block + ".mlp.dense_h_to_4h";
  names.down = names.block + ".mlp.dense_4h_to_h";
  names.head = "embed_out";
}

void read(const JsonView& config, Architecture& out) {
  read_equal_heads(config, out, "hidden_size", "num_attention_heads");
  out.intermediate = read_size(config, "intermediate_size");
  out.layers = read_layer_count(config, "num_hidden_layers");
  out.vocab = read_size(config, "vocab_size");
  out.max_positions = read_size(config, "max_position_embeddings", 2048);
  read_partial_rotary(config, out, "rotary_pct", 0.25);
  read_rope(config, out, read_positive(config, "rotary_emb_base", 10000.0));
  out.norm = NormKind::layer_norm;
  out.norm_epsilon = read_positive(config, "layer_norm_eps", 1e-5);
  out.gated_mlp = false;
  out.activation = read_activation(config, "hidden_act", "gelu");
  out.parallel_residual = read_flag(config, "use_parallel_residual", true);
  out.fused_qkv = true;
  out.qkv_by_head = true;
  out.attention_bias = read_flag(config, "attention_bias", true);
  out.attention_output_bias = out.attention_bias;
  out.mlp_bias = true;
  out.tied_head = read_flag(config, "tie_word_embeddings", false);
  set_names(out.names);
}

void write(const Architecture& architecture, Json& out) {
  out["hidden_size"] = architecture.hidden;
  out["intermediate_size"] = architecture.intermediate;
  out["num_hidden_layers"] = architecture.layers;
  out["num_attention_heads"] = architecture.heads;
  out["vocab_size"] = architecture.vocab;
  out["max_position_embeddings"] = architecture.max_positions;
  write_rope(architecture, out);
  out["rotary_emb_base"] = architecture.rope_theta;
  out["rotary_pct"] = partial_rotary(architecture);
  out["layer_norm_eps"] = architecture.norm_epsilon;
  out["hidden_act"] = std::string(activation_name(architecture.activation));
  out["use_parallel_residual"] = architecture.parallel_residual;
  out["attention_bias"] = architecture.attention_bias;
  out["tie_word_embeddings"] = architecture.tied_head;
}

}  // namespace

Family gpt_neox() { return {"gpt_neox", "GPTNeoXForCausalLM", read, write}; }

}  // namespace kedit::families
