#include "model/families/family.hpp"

namespace kedit::families {
namespace {

// Every other layer has a window, the first one too.
void read(const JsonView& config, Architecture& out) {
  read_gemma_shape(config, out, 10000.0);
  read_gemma_norms(config, out);
  read_windows(config, out, read_window(config, 4096),
               [](std::int64_t layer) { return layer % 2 == 0; });
  out.attention_cap = read_optional(config, "attn_logit_softcapping", 50.0);
  out.logit_cap = read_optional(config, "final_logit_softcapping", 30.0);
}

void write(const Architecture& architecture, Json& out) {
  write_gemma_shape(architecture, out);
  write_windows(architecture, out);
  write_gemma_norms(architecture, out);
  write_optional(out, "attn_logit_softcapping", architecture.attention_cap);
  write_optional(out, "final_logit_softcapping", architecture.logit_cap);
}

}  // namespace

Family gemma2() { return {"gemma2", "Gemma2ForCausalLM", read, write}; }

}  // namespace kedit::families
