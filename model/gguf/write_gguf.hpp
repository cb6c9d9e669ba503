#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kedit::gguf {

/// Text, float32, or a list of texts.
using MetadataValue = std::variant<std::string, float, std::vector<std::string>>;

using Metadata = std::vector<std::pair<std::string, MetadataValue>>;

/// Writes a GGUF file (version 3, little-endian) of float32 tensors, whose shapes have the slowest
/// dimension first as elsewhere here; the file has them the other way round. Written beside the
/// target and renamed. Throws `FileWriteError`. Source: the format's specification (ggml,
/// docs/gguf.md).
void write_gguf(const std::filesystem::path& file, const Metadata& metadata,
                const std::vector<std::pair<std::string, at::Tensor>>& tensors);

}  // namespace kedit::gguf
