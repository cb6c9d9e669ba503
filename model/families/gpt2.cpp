#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void set_names(Architecture::Names& names) {
  names.token_embedding = "transformer.wte";
  names.position_embedding = "transformer.wpe";
  names.block = "transformer.h.{}";
  names.attention_norm = names.block + ".ln_1";
  names.mlp_norm = names.block + ".ln_2";
  names.final_norm = "transformer.ln_f";
  names.qkv = names.block + ".attn.c_attn";
  names.attention_output = names.block + ".attn.c_proj";
  names.up = names.block + ".mlp.c_fc";
  names.down = names.block + ".mlp.c_proj";
  names.head = "lm_head";
}

void read(const JsonView& config, Architecture& out) {
  require_flag(config, "add_cross_attention", false);
  read_gpt_shape(config, out, true);
  out.max_positions = read_size(config, "n_positions");
  out.positions = PositionKind::learned;
  out.orientation = Orientation::in_out;
  if (!read_flag(config, "scale_attn_weights", true)) out.query_pre_attn_scalar = 1.0;
  out.scores_by_layer = read_flag(config, "scale_attn_by_inverse_layer_idx", false);
  out.fused_qkv = true;
  out.attention_bias = true;
  out.attention_output_bias = true;
  set_names(out.names);
}

void write(const Architecture& architecture, Json& out) {
  write_gpt_shape(architecture, out);
  if (architecture.query_pre_attn_scalar == 1.0) out["scale_attn_weights"] = false;
  if (architecture.scores_by_layer) out["scale_attn_by_inverse_layer_idx"] = true;
}

}  // namespace

void read_gpt_shape(const JsonView& config, Architecture& out, bool tied_head) {
  read_equal_heads(config, out, "n_embd", "n_head");
  out.layers = read_layer_count(config, "n_layer");
  out.vocab = read_size(config, "vocab_size");
  out.intermediate = read_size(config, "n_inner", 4 * out.hidden);
  out.norm = NormKind::layer_norm;
  out.norm_epsilon = read_positive(config, "layer_norm_epsilon", 1e-5);
  out.gated_mlp = false;
  out.activation = read_activation(config, "activation_function", "gelu_new");
  out.mlp_bias = true;
  out.tied_head = read_flag(config, "tie_word_embeddings", tied_head);
}

void write_gpt_shape(const Architecture& architecture, Json& out) {
  out["n_embd"] = architecture.hidden;
  out["n_layer"] = architecture.layers;
  out["n_head"] = architecture.heads;
  out["n_inner"] = architecture.intermediate;
  out["vocab_size"] = architecture.vocab;
  out["n_positions"] = architecture.max_positions;
  out["layer_norm_epsilon"] = architecture.norm_epsilon;
  out["activation_function"] = std::string(activation_name(architecture.activation));
  out["tie_word_embeddings"] = architecture.tied_head;
}

Family gpt2() { return {"gpt2", "GPT2LMHeadModel", read, write}; }

}  // namespace kedit::families
