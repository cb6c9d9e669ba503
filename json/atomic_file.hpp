#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace kedit {

/// A file in the making: bytes go to a temporary beside the target; `commit` syncs and renames, so
/// that the target is the old or the new one, never a half. Without `commit` the destructor removes
/// the temporary. A symbolic link keeps pointing; a device (/dev/null) is written through.
/// All members throw `FileWriteError` naming the target and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* act) const;
  void close_descriptor() noexcept;

  std::filesystem::path shown_;   // as the caller named it, for messages
  std::filesystem::path target_;  // links resolved
  std::string temporary_;         // empty when written through or committed
  int descriptor_ = -1;
};

}  // namespace kedit
