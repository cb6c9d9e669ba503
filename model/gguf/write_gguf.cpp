#include "model/gguf/write_gguf.hpp"

#include "json/atomic_file.hpp"

#include <ATen/ATen.h>

#include <bit>
#include <cstring>
#include <string_view>

namespace kedit::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

constexpr std::uint64_t kAlignment = 32;
// Numbers of the format's types of values.
constexpr std::uint32_t kFloat = 6, kText = 8, kArray = 9;
constexpr std::uint32_t kTensorF32 = 0;

template <class Number>
void put(std::string& out, Number number) {
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof(Number));
  out.append(bytes, sizeof(Number));
}

void put_text(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

struct PutValue {
  std::string& out;

  void operator()(const std::string& text) const {
    put(out, kText);
    put_text(out, text);
  }
  void operator()(float number) const {
    put(out, kFloat);
    put(out, number);
  }
  void operator()(const std::vector<std::string>& texts) const {
    put(out, kArray);
    put(out, kText);
    put(out, std::uint64_t{texts.size()});
    for (const std::string& text : texts) put_text(out, text);
  }
};

std::uint64_t to_alignment(std::uint64_t bytes) {
  return (kAlignment - bytes % kAlignment) % kAlignment;
}

// Name, dimensions (fastest first), type, and where the data begins after the header.
void put_tensor_info(std::string& out, const std::string& name, const at::Tensor& tensor,
                     std::uint64_t offset) {
  put_text(out, name);
  put(out, static_cast<std::uint32_t>(tensor.dim()));
  for (std::int64_t i = tensor.dim() - 1; i >= 0; --i) {
    put(out, static_cast<std::uint64_t>(tensor.size(i)));
  }
  put(out, kTensorF32);
  put(out, offset);
}

}  // namespace

void write_gguf(const std::filesystem::path& file, const Metadata& metadata,
                const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::string header = "GGUF";
  put(header, std::uint32_t{3});
  put(header, std::uint64_t{tensors.size()});
  put(header, std::uint64_t{metadata.size()});
  for (const auto& [key, value] : metadata) {
    put_text(header, key);
    std::visit(PutValue{header}, value);
  }
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    put_tensor_info(header, name, tensor, offset);
    offset += static_cast<std::uint64_t>(tensor.numel()) * sizeof(float);
    offset += to_alignment(offset);
  }
  header.append(to_alignment(header.size()), '\0');

  AtomicFile out(file);
  out.write(header.data(), header.size());
  const std::string zeros(kAlignment, '\0');
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor numbers = tensor.to(at::kCPU, at::kFloat).contiguous();
    out.write(numbers.const_data_ptr(), numbers.nbytes());
    out.write(zeros.data(), to_alignment(numbers.nbytes()));
  }
  out.commit();
}

}  // namespace kedit::gguf
