#include "model/families/family.hpp"

namespace kedit::families {
namespace {

// Windowed layers turn with a base of their own and are never stretched.
void read_local_rope(const JsonView& config, Architecture& out) {
  out.rope_local_theta = read_positive(config, "rope_local_base_freq", 10000.0);
  const auto parameters = config.find("rope_parameters");
  if (!parameters) return;
  if (const auto local = parameters->find("sliding_attention")) {
    const auto kind = local->find("rope_type");
    if (kind && kind->string() != "default") kind->fail("\"default\"");
    out.rope_local_theta = read_positive(*local, "rope_theta", out.rope_local_theta);
  }
}

void read(const JsonView& config, Architecture& out) {
  read_gemma_shape(config, out, 1000000.0);
  read_gemma_norms(config, out);
  read_local_rope(config, out);
  const std::int64_t pattern = read_size(config, "sliding_window_pattern", 6);
  read_windows(config, out, read_window(config, 4096),
               [&](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  if (config.has("attn_logit_softcapping")) {
    config.at("attn_logit_softcapping").fail("null (a Gemma 3 model has no such cap)");
  }
  out.logit_cap = read_optional(config, "final_logit_softcapping", 0.0);
  out.query_key_norm = QueryKeyNorm::per_head;
  out.names.query_norm = out.names.block + ".self_attn.q_norm";
  out.names.key_norm = out.names.block + ".self_attn.k_norm";
}

void write(const Architecture& architecture, Json& out) {
  write_gemma_shape(architecture, out);
  write_windows(architecture, out);
  write_gemma_norms(architecture, out);
  out["rope_local_base_freq"] = architecture.rope_local_theta;
  write_optional(out, "final_logit_softcapping", architecture.logit_cap);
}

}  // namespace

Family gemma3_text() { return {"gemma3_text", "Gemma3ForCausalLM", read, write}; }

}  // namespace kedit::families
