#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void set_names(Architecture::Names& names, bool norm_first, bool final_norm) {
  names.token_embedding = "model.decoder.embed_tokens";
  names.position_embedding = "model.decoder.embed_positions";
  names.block = "model.decoder.layers.{}";
  (norm_first ? names.attention_norm : names.attention_output_norm) =
      names.block + ".self_attn_layer_norm";
  (norm_first ? names.mlp_norm : names.mlp_output_norm) = names.block + ".final_layer_norm";
  if (final_norm) names.final_norm = "model.decoder.final_layer_norm";
  names.query = names.block + ".self_attn.q_proj";
  names.key = names.block + ".self_attn.k_proj";
  names.value = names.block + ".self_attn.v_proj";
  names.attention_output = names.block + ".self_attn.out_proj";
  names.up = names.block + ".fc1";
  names.down = names.block + ".fc2";
  names.head = "lm_head";
}

void read_projected_embedding(const JsonView& config, Architecture& out) {
  const std::int64_t width = read_size(config, "word_embed_proj_dim", out.hidden);
  if (width == out.hidden) return;
  out.embedding_width = width;
  out.names.project_in = "model.decoder.project_in";
  out.names.project_out = "model.decoder.project_out";
}

void read(const JsonView& config, Architecture& out) {
  read_equal_heads(config, out, "hidden_size", "num_attention_heads");
  read_projected_embedding(config, out);
  require_flag(config, "layer_norm_elementwise_affine", true);
  out.intermediate = read_size(config, "ffn_dim");
  out.layers = read_layer_count(config, "num_hidden_layers");
  out.vocab = read_size(config, "vocab_size");
  out.max_positions = read_size(config, "max_position_embeddings", 2048);
  out.positions = PositionKind::learned;
  out.position_offset = 2;  // the table's first rows stand for padding
  out.norm = NormKind::layer_norm;
  out.norm_epsilon = 1e-5;
  out.gated_mlp = false;
  out.activation = read_activation(config, "activation_function", "relu");
  out.attention_bias = read_flag(config, "enable_bias", true);
  out.attention_output_bias = out.attention_bias;
  out.mlp_bias = out.attention_bias;
  out.tied_head = read_flag(config, "tie_word_embeddings", true);
  const bool norm_first = read_flag(config, "do_layer_norm_before", true);
  out.norm_after_sum = !norm_first;
  set_names(out.names, norm_first,
            norm_first && !read_flag(config, "_remove_final_layer_norm", false));
}

void write(const Architecture& architecture, Json& out) {
  out["hidden_size"] = architecture.hidden;
  out["word_embed_proj_dim"] = architecture.token_width();
  out["ffn_dim"] = architecture.intermediate;
  out["num_hidden_layers"] = architecture.layers;
  out["num_attention_heads"] = architecture.heads;
  out["vocab_size"] = architecture.vocab;
  out["max_position_embeddings"] = architecture.max_positions;
  out["activation_function"] = std::string(activation_name(architecture.activation));
  out["enable_bias"] = architecture.attention_bias;
  out["do_layer_norm_before"] = !architecture.norm_after_sum;
  out["_remove_final_layer_norm"] =
      !architecture.norm_after_sum && architecture.names.final_norm.empty();
  out["tie_word_embeddings"] = architecture.tied_head;
}

}  // namespace

Family opt() { return {"opt", "OPTForCausalLM", read, write}; }

}  // namespace kedit::families
