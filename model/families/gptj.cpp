#include "model/families/family.hpp"

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
  read_gpt_shape(config, out, false);
  out.max_positions = read_size(config, "n_positions", 2048);
  if (config.has("rope_scaling")) config.at("rope_scaling").fail("null");
  out.rotary_dim = config.value().contains("rotary_dim") ? read_size(config, "rotary_dim") : 64;
  out.rotary_interleaved = true;
  out.parallel_residual = true;
  out.head_bias = true;
  set_names(out.names);
}

void write(const Architecture& architecture, Json& out) {
  write_gpt_shape(architecture, out);
  out["rotary_dim"] = architecture.rotary_dim;
}

}  // namespace

Family gptj() { return {"gptj", "GPTJForCausalLM", read, write}; }

}  // namespace kedit::families
