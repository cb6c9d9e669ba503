#include "model/checkpoint/safetensors.hpp"

#include "json/atomic_file.hpp"
#include "json/json.hpp"
#include "json/short_name.hpp"
#include "model/checkpoint/mapped_file.hpp"
#include "model/checkpoint/safetensors_header.hpp"
#include "model/device.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>

namespace kedit::checkpoint {

struct SafetensorsFile::Impl {
  std::filesystem::path path;
  std::shared_ptr<MappedFile> mapping;
  SafetensorsHeader header;
  std::unordered_map<std::string, std::size_t> index;
};

SafetensorsFile::SafetensorsFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& file) {
  auto impl = std::make_unique<Impl>();
  impl->path = file;
  impl->mapping = std::make_shared<MappedFile>(file);
  impl->header =
      read_safetensors_header(impl->mapping->data(), impl->mapping->size(), file.string());
  for (std::size_t i = 0; i < impl->header.entries.size(); ++i) {
    impl->index.emplace(impl->header.entries[i].name, i);
  }
  return SafetensorsFile(std::move(impl));
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> out;
  for (const auto& entry : impl_->header.entries) out.push_back(entry.name);
  return out;
}

bool SafetensorsFile::contains(const std::string& name) const {
  return impl_->index.count(name) > 0;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = impl_->index.find(name);
  if (found == impl_->index.end()) {
    throw ModelError(fmt::format("reading {}: tensor {}: expected it, found no such tensor",
                                 impl_->path.string(), short_name(name)));
  }
  const SafetensorsEntry& entry = impl_->header.entries[found->second];
  const auto options = at::TensorOptions().dtype(entry.dtype);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  std::uint8_t* data = impl_->mapping->data() + impl_->header.data_offset + entry.begin;
  const auto keep_alive = [mapping = impl_->mapping](void*) mutable { mapping.reset(); };
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(entry.dtype) != 0) {
    // Vector instructions fault on misaligned elements: such a tensor is copied.
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.mutable_data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(data, entry.shape, keep_alive, options);
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return impl_->header.metadata;
}

const std::filesystem::path& SafetensorsFile::path() const { return impl_->path; }

std::shared_ptr<const MappedFile> SafetensorsFile::mapping() const { return impl_->mapping; }

namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

c10::ScalarType stored_type(const at::Tensor& tensor, const StoringOptions& options) {
  return options.dtype.value_or(tensor.scalar_type());
}

std::int64_t stored_bytes(const at::Tensor& tensor, const StoringOptions& options) {
  return tensor.numel() * static_cast<std::int64_t>(c10::elementSize(stored_type(tensor, options)));
}

std::string header_text(const std::filesystem::path& file, const NamedTensors& tensors,
                        const std::map<std::string, std::string>& metadata,
                        const StoringOptions& options) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto dtype = safetensors_dtype_name(stored_type(tensor, options));
    if (!dtype || header.contains(name)) {
      throw ModelError(
          fmt::format("writing {}: tensor {}: expected one of a storable dtype, named once",
                      file.string(), name));
    }
    const std::int64_t bytes = stored_bytes(tensor, options);
    header[name] = {{"dtype", *dtype},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = to_text(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the data is aligned
  return text;
}

void check_range(const std::filesystem::path& file, const std::string& name,
                 const at::Tensor& tensor, c10::ScalarType type) {
  if (tensor.numel() == 0 || !c10::isFloatingType(type)) return;
  const double most_held = type == at::kHalf       ? 65504.0
                           : type == at::kBFloat16 ? 3.3895313892515355e38
                                                   : std::numeric_limits<float>::max();
  const auto [least, most] = at::aminmax(tensor);
  const double found = std::max(-least.item<double>(), most.item<double>());
  if (!(found > most_held)) return;
  throw ModelError(fmt::format(
      "writing {}: tensor {}: expected numbers that {} can hold, found {}; choose another type",
      file.string(), name, dtype_name(type), found));
}

// On the CPU, contiguous and of the stored type; the tensor itself where it is that already.
at::Tensor in_stored_form(const std::filesystem::path& file, const std::string& name,
                          const at::Tensor& tensor, const StoringOptions& options) {
  if (options.dtype && !options.allow_nonfinite) check_range(file, name, tensor, *options.dtype);
  return tensor.detach().to(at::kCPU, stored_type(tensor, options)).contiguous();
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const StoringOptions& options) {
  const std::string header = header_text(file, tensors, metadata, options);
  std::int64_t all = 0;
  for (const auto& [name, tensor] : tensors) all += stored_bytes(tensor, options);
  const std::uint64_t length = header.size();
  AtomicFile out(file);
  out.write(&length, sizeof(length));
  out.write(header.data(), header.size());
  std::int64_t done = 0;
  for (const auto& [name, tensor] : tensors) {
    if (options.progress) options.progress(done, all);
    const at::Tensor stored = in_stored_form(file, name, tensor, options);
    out.write(stored.const_data_ptr(), stored.nbytes());
    done += static_cast<std::int64_t>(stored.nbytes());
  }
  out.commit();
}

}  // namespace kedit::checkpoint
