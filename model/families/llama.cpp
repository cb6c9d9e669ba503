#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  read_llama_shape(config, out);
  const bool attention_bias = read_flag(config, "attention_bias", false);
  out.attention_bias = attention_bias;
  out.attention_output_bias = attention_bias;
  out.mlp_bias = read_flag(config, "mlp_bias", false);
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  out["attention_bias"] = architecture.attention_bias;
  out["mlp_bias"] = architecture.mlp_bias;
}

}  // namespace

Family llama() { return {"llama", "LlamaForCausalLM", read, write}; }

}  // namespace kedit::families
