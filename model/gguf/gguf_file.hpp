#pragma once

#include "model/checkpoint/mapped_file.hpp"
#include "model/gguf/header.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kedit::gguf {

/// A GGUF model, in one file or in parts (NAME-00001-of-0000N.gguf, of which the first names the
/// model), memory-mapped. Opening checks the headers of all parts, and that the parts are those of
/// one model. Throws `ModelError`.
class GgufFile {
 public:
  static GgufFile open(const std::filesystem::path& file);

  const std::filesystem::path& path() const { return path_; }  ///< Of the first part.
  /// The keys of the first part, with the file's name for messages.
  JsonView metadata() const { return {*metadata_, path_.string()}; }

  struct Tensor {
    const TensorInfo* info;
    const std::uint8_t* data;  ///< The blocks; as long as the mapping is held.
    std::size_t part;
  };
  bool contains(std::string_view name) const { return index_.count(std::string(name)) > 0; }
  /// Throws when absent.
  const Tensor& tensor(std::string_view name) const;
  /// In the order of the files.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::filesystem::path& file_of(const Tensor& tensor) const;
  std::vector<std::shared_ptr<const checkpoint::MappedFile>> mappings() const;

 private:
  struct Part {
    std::filesystem::path path;
    std::shared_ptr<const checkpoint::MappedFile> mapping;
    std::shared_ptr<const Header> header;  // shared, so that `info` stays where it is
  };

  static Part open_part(const std::filesystem::path& file);
  void open_other_parts();
  void index_tensors();

  std::filesystem::path path_;
  std::shared_ptr<const Json> metadata_;
  std::vector<Part> parts_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Whether a path names a GGUF file: by its ending, or by the first bytes of a regular file.
bool is_gguf(const std::filesystem::path& path);

}  // namespace kedit::gguf
