#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  LlamaDefaults defaults;
  defaults.head_dim = 128;
  read_llama_shape(config, out, defaults);
  read_qwen_windows(config, out);
  out.attention_bias = read_flag(config, "attention_bias", false);
  out.attention_output_bias = out.attention_bias;
  out.query_key_norm = QueryKeyNorm::per_head;
  out.names.query_norm = out.names.block + ".self_attn.q_norm";
  out.names.key_norm = out.names.block + ".self_attn.k_norm";
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  write_qwen_windows(architecture, out);
  out["attention_bias"] = architecture.attention_bias;
}

}  // namespace

Family qwen3() { return {"qwen3", "Qwen3ForCausalLM", read, write}; }

}  // namespace kedit::families
