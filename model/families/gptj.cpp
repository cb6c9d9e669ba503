#include "model/families/family.hpp"

#include <fmt/format.h>

namespace kedit::families {
namespace {

void set_names(Architecture::Names& names) {
  names.token_embedding = "transformer.wte";
  names.block = "transformer.h.{}";
  names.attention_norm = names.block + ".ln_1";  // and the MLP's
  names.final_norm = "transformer.ln_f";
  names.query = names.block + ".attn.q_proj";
  names.key = names.block + ".attn.k_proj";
  names.value = names.block + ".attn.v_proj";
  names.attention_output = names.block + ".attn.out_proj";
  names.up = names.block + ".mlp.fc_in";
  names.down = names.block + ".mlp.fc_out";
  names.head = "lm_head";
}

void read(const JsonView& config, Architecture& out) {
  out.hidden = read_size(config, "n_embd");
  out.layers = read_layer_count(config, "n_layer");
  out.heads = read_size(config, "n_head");
  out.kv_heads = out.heads;
  out.vocab = read_size(config, "vocab_size");
  out.max_positions = read_size(config, "n_positions", 2048);
  out.intermediate = read_size(config, "n_inner", 4 * out.hidden);
  if (out.hidden % out.heads != 0) {
    config.at("n_embd").fail(fmt::format("a multiple of n_head = {}", out.heads));
  }
  out.head_dim = out.hidden / out.heads;
  if (config.has("rope_scaling")) config.at("rope_scaling").fail("null");
  out.rotary_dim = config.value().contains("rotary_dim") ? read_size(config, "rotary_dim") : 64;
  out.rotary_interleaved = true;
  out.norm = NormKind::layer_norm;
  out.norm_epsilon = read_positive(config, "layer_norm_epsilon", 1e-5);
  out.gated_mlp = false;
  out.activation = read_activation(config, "activation_function", "gelu_new");
  out.parallel_residual = true;
  out.mlp_bias = true;
  out.head_bias = true;
  out.tied_head = read_flag(config, "tie_word_embeddings", false);
  set_names(out.names);
}

void write(const Architecture& architecture, Json& out) {
  out["n_embd"] = architecture.hidden;
  out["n_layer"] = architecture.layers;
  out["n_head"] = architecture.heads;
  out["n_inner"] = architecture.intermediate;
  out["vocab_size"] = architecture.vocab;
  out["n_positions"] = architecture.max_positions;
  out["rotary_dim"] = architecture.rotary_dim;
  out["layer_norm_epsilon"] = architecture.norm_epsilon;
  out["activation_function"] = std::string(activation_name(architecture.activation));
  out["tie_word_embeddings"] = architecture.tied_head;
}

}  // namespace

Family gptj() { return {"gptj", "GPTJForCausalLM", read, write}; }

}  // namespace kedit::families
