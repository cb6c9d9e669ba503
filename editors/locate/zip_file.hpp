#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::checkpoint {
class MappedFile;
}

namespace kedit::locate {

/// A zip archive (PKWARE's APPNOTE 6.3), read through a mapping. Sizes and places come from the
/// central directory, ZIP64 ones too; all are checked against the file before anything is
/// allocated, and members must not overlap. Members are stored or deflated, not encrypted, in one
/// volume. Every fault is a `StatisticsError` that names the file and the member.
class ZipFile {
 public:
  explicit ZipFile(std::filesystem::path file);
  ~ZipFile();

  /// A member's bytes; `inflated` holds them where the archive does not have them as they are, else
  /// they lie in the mapping and live as long as this object.
  struct Member {
    std::span<const std::uint8_t> bytes;
    std::vector<std::uint8_t> inflated;
  };

  bool contains(std::string_view name) const;
  /// Checked against its CRC. Throws as well when it is longer than `most` bytes.
  Member read(std::string_view name, std::uint64_t most) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Entry {
    std::string name;
    std::uint64_t begin = 0, stored = 0, size = 0, header = 0;  // `begin`: of the data
    std::uint32_t crc = 0;
    std::uint16_t method = 0;
  };
  struct Directory {
    std::uint64_t begin = 0, bytes = 0, entries = 0;
  };

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;
  std::span<const std::uint8_t> at(std::uint64_t begin, std::uint64_t bytes,
                                   const char* what) const;
  std::uint64_t end_record() const;
  Directory find_directory() const;
  Directory find_wide_directory(std::uint64_t end_record) const;
  Entry read_entry(std::uint64_t* position, const Directory& directory) const;
  void read_wide_sizes(std::span<const std::uint8_t> extra, Entry* entry) const;
  void find_data(Entry* entry, const Directory& directory) const;
  void check_overlaps() const;
  std::vector<std::uint8_t> inflate(const Entry& entry) const;

  std::filesystem::path path_;
  std::unique_ptr<checkpoint::MappedFile> map_;
  std::vector<Entry> entries_;
};

}  // namespace kedit::locate
