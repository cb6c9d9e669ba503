// Any bytes as a GGUF file: a ModelError, or tensors that lie within the file and have as many
// bytes as their shapes say.
#include "model/decoder/architecture.hpp"
#include "model/gguf/header.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kedit::gguf::Header header;
  try {
    header = kedit::gguf::read_header(data, size, "input");
  } catch (const kedit::ModelError&) {
    return 0;
  }
  if (header.version != 2 && header.version != 3) std::abort();
  for (const auto& tensor : header.tensors) {
    if (tensor.end > size || tensor.begin > tensor.end) std::abort();
    const auto layout = kedit::kernels::block_layout(tensor.type);
    const auto blocks = tensor.elements() / layout.elements;
    if (static_cast<std::uint64_t>(blocks * layout.bytes) != tensor.end - tensor.begin) {
      std::abort();
    }
  }
  return 0;
}
