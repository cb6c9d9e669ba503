#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  LlamaDefaults defaults;
  defaults.norm_epsilon = 1e-5;
  out.hidden = read_size(config, "hidden_size");
  out.heads = read_size(config, "num_attention_heads");
  out.head_dim = read_size(config, "head_dim", out.hidden / out.heads);
  read_partial_rotary(config, out, "partial_rotary_factor", 1.0);  // longrope's lists depend on it
  read_llama_shape(config, out, defaults);
  read_windows(config, out, read_window(config, 0), [](std::int64_t) { return true; });
  out.fused_qkv = true;
  out.fused_gate_up = true;
  auto& names = out.names;
  names.query.clear();
  names.key.clear();
  names.value.clear();
  names.gate.clear();
  names.up.clear();
  names.qkv = names.block + ".self_attn.qkv_proj";
  names.gate_up = names.block + ".mlp.gate_up_proj";
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  write_windows(architecture, out);
  out["partial_rotary_factor"] = partial_rotary(architecture);
}

}  // namespace

Family phi3() { return {"phi3", "Phi3ForCausalLM", read, write}; }

}  // namespace kedit::families
