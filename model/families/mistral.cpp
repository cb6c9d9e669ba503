#include "model/families/family.hpp"

namespace kedit::families {
namespace {

void read(const JsonView& config, Architecture& out) {
  read_llama_shape(config, out);
  read_windows(config, out, read_window(config, 4096), [](std::int64_t) { return true; });
}

void write(const Architecture& architecture, Json& out) {
  write_llama_shape(architecture, out);
  write_windows(architecture, out);
}

}  // namespace

Family mistral() { return {"mistral", "MistralForCausalLM", read, write}; }

}  // namespace kedit::families
