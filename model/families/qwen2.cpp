#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void refuse_windowed_layers(const JsonView& config) {
  require_flag(config, "use_sliding_window", false);
  const auto kinds = config.find("layer_types");
  if (!kinds) return;
  for (std::size_t i = 0; i < kinds->size(); ++i) {
    if (kinds->at(i).string() != "full_attention") kinds->at(i).fail("\"full_attention\"");
  }
}

void read(const JsonView& config, Architecture& out) {
  read_llama_shape(config, out);
  refuse_windowed_layers(config);
  out.attention_bias = true;
  out.attention_output_bias = false;
  out.mlp_bias = false;
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  out["use_sliding_window"] = false;
}

}  // namespace

Family qwen2() { return {"qwen2", "Qwen2ForCausalLM", read, write}; }

}  // namespace kedit::families
