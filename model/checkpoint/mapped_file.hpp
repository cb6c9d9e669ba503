#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kedit::checkpoint {

/// What tells that a file is the one of before without reading it.
struct FileStamp {
  std::string path;  ///< Absolute.
  std::int64_t bytes = 0;
  std::int64_t changed_ns = 0;  ///< Time of the last change of its content.
  std::uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

/// Empty when there is no such file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

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
  /// Of the very file that is mapped, as it is now, whatever its name leads to.
  std::optional<FileStamp> stamp() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kedit::checkpoint
