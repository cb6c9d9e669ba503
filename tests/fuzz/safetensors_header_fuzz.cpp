// Any bytes as the beginning of a .safetensors file: a ModelError, or a header that lies within the
// file to the last byte.
#include "model/checkpoint/safetensors_header.hpp"
#include "model/decoder/architecture.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kedit::checkpoint::SafetensorsHeader header;
  try {
    header = kedit::checkpoint::read_safetensors_header(data, size, "input");
  } catch (const kedit::ModelError&) {
    return 0;
  }
  std::uint64_t expected = 0;
  for (const auto& entry : header.entries) {
    if (entry.begin != expected || entry.end < entry.begin) std::abort();
    std::uint64_t elements = 1;
    for (const std::int64_t side : entry.shape) elements *= static_cast<std::uint64_t>(side);
    if (elements * c10::elementSize(entry.dtype) != entry.end - entry.begin) std::abort();
    expected = entry.end;
  }
  if (header.data_offset > size || expected != size - header.data_offset) std::abort();
  return 0;
}
