#pragma once

#include "model/decoder/architecture.hpp"  // ModelError

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

class MappedFile;

/// One `.safetensors` file, memory-mapped privately. Opening checks the header against the file's
/// size (reference rules: length, UTF-8, JSON without duplicate keys, sorted contiguous offsets,
/// checked products of shapes) before anything is allocated. Throws `ModelError`.
/// Tensors share the mapping (which they keep alive) unless they are misaligned; writing to them
/// does not reach the file.
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::filesystem::path& file);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  std::vector<std::string> names() const;  ///< In file order of the data.
  bool contains(const std::string& name) const;
  at::Tensor tensor(const std::string& name) const;  ///< Stored dtype, CPU. Throws when absent.
  const std::map<std::string, std::string>& metadata() const;
  const std::filesystem::path& path() const;
  std::shared_ptr<const MappedFile> mapping() const;  ///< What the tensors lie in.

 private:
  struct Impl;
  explicit SafetensorsFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// How `write_safetensors` stores tensors.
struct StoringOptions {
  std::optional<c10::ScalarType> dtype = {};  ///< Of all tensors; absent: each has its own.
  bool allow_nonfinite = false;               ///< Else numbers beyond `dtype` are refused.
  /// Told before each tensor how many bytes of how many are written; may throw.
  std::function<void(std::int64_t done, std::int64_t all)> progress = {};
};

/// Writes beside the target and renames. Tensors in the order given, one after the other brought
/// into the form of the file, so that no second copy of all is held; of float32, float16, bfloat16,
/// float64, int64, int32, uint8 or bool. Throws `ModelError` for numbers that `dtype` cannot hold,
/// `FileWriteError`.
void write_safetensors(const std::filesystem::path& file,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}},
                       const StoringOptions& options = {});

}  // namespace kedit::checkpoint
