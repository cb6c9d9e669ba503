#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace kedit::checkpoint {

/// Writes `from` once more, to the bit, but for the data of the tensors `replaced` (by the file's
/// names), which have the stored type and shape. Header, metadata and order stay; tensors that are
/// not in the file are passed over. `progress` is told how many bytes of how many are written; it
/// may throw. Throws `ModelError`, `FileWriteError`.
void copy_safetensors(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::map<std::string, at::Tensor>& replaced,
                      const std::function<void(std::int64_t done, std::int64_t all)>& progress);

}  // namespace kedit::checkpoint
