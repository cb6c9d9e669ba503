#pragma once

#include "model/checkpoint/safetensors.hpp"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace kedit::checkpoint {

/// The tensors of a Hugging Face directory by name: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. Throws `ModelError`.
class CheckpointFiles {
 public:
  explicit CheckpointFiles(const std::filesystem::path& directory);

  bool contains(const std::string& name) const;
  at::Tensor find(const std::string& name) const;  ///< Undefined when absent.
  std::vector<std::string> names() const;
  /// The file that holds `name`, for messages; the directory when none does.
  std::filesystem::path file_of(const std::string& name) const;
  std::vector<std::shared_ptr<const MappedFile>> mappings() const;  ///< Of all files with tensors.

 private:
  void open_single(const std::filesystem::path& file);
  void open_shards(const std::filesystem::path& index);

  std::filesystem::path directory_;
  std::vector<SafetensorsFile> files_;
  std::unordered_map<std::string, std::size_t> file_by_name_;
};

}  // namespace kedit::checkpoint
