#include "model/checkpoint/safetensors_copy.hpp"

#include "json/atomic_file.hpp"
#include "model/checkpoint/mapped_file.hpp"
#include "model/checkpoint/safetensors_header.hpp"
#include "model/decoder/architecture.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace kedit::checkpoint {
namespace {

void check_fits(const std::filesystem::path& file, const SafetensorsEntry& entry,
                const at::Tensor& tensor) {
  if (tensor.scalar_type() == entry.dtype && tensor.sizes() == at::IntArrayRef(entry.shape)) return;
  throw ModelError(fmt::format(
      "writing {}: tensor {}: expected the type and shape of the file, found {} and {} elements",
      file.string(), entry.name, at::toString(tensor.scalar_type()), tensor.numel()));
}

}  // namespace

void copy_safetensors(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::map<std::string, at::Tensor>& replaced,
                      const std::function<void(std::int64_t done, std::int64_t all)>& progress) {
  const MappedFile mapping(from);
  const SafetensorsHeader header =
      read_safetensors_header(mapping.data(), mapping.size(), from.string());
  const std::uint8_t* data = mapping.data() + header.data_offset;
  AtomicFile out(to);
  out.write(mapping.data(), static_cast<std::size_t>(header.data_offset));
  for (const SafetensorsEntry& entry : header.entries) {
    progress(static_cast<std::int64_t>(entry.begin), static_cast<std::int64_t>(mapping.size()));
    const auto found = replaced.find(entry.name);
    if (found == replaced.end()) {
      out.write(data + entry.begin, static_cast<std::size_t>(entry.end - entry.begin));
      continue;
    }
    check_fits(to, entry, found->second);
    const at::Tensor tensor = found->second.cpu().contiguous();
    out.write(tensor.const_data_ptr(), tensor.nbytes());
  }
  out.commit();
}

}  // namespace kedit::checkpoint
