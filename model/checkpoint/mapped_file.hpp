#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace kedit {

/// A regular file, mapped privately: writing to the memory does not reach the file. Holds a shared
/// lock, so that writers that lock wait; the size is the one the mapping was made with. Throws
/// `ModelError`.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kedit
