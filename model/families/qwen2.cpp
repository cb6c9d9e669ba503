#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  read_llama_shape(config, out);
  read_qwen_windows(config, out);
  out.attention_bias = true;
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  write_qwen_windows(architecture, out);
}

}  // namespace

// The layers from max_window_layers on have the window, when windows are used at all.
void read_qwen_windows(const JsonView& config, Architecture& out) {
  const bool used = read_flag(config, "use_sliding_window", false);
  const auto first = config.find("max_window_layers");
  const std::int64_t first_windowed = first ? first->integer() : 28;
  read_windows(config, out, used ? read_window(config, 4096) : 0,
               [&](std::int64_t layer) { return layer >= first_windowed; });
}

void write_qwen_windows(const Architecture& architecture, Json& out) {
  const bool any = !architecture.windowed_layers.empty();
  out["use_sliding_window"] = any;
  if (any) write_windows(architecture, out);
}

Family qwen2() { return {"qwen2", "Qwen2ForCausalLM", read, write}; }

}  // namespace kedit::families
