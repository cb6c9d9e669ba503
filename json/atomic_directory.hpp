#pragma once

#include <filesystem>

namespace kedit {

/// A directory in the making: files go into a temporary one beside the target, `commit` renames it,
/// so that the target is whole or not there. Without `commit` the destructor removes it with all
/// that it holds. The target must not exist or be an empty directory, and the directory that it
/// lies in must exist: else, and where nothing can be written, `FileWriteError`.
class AtomicDirectory {
 public:
  explicit AtomicDirectory(const std::filesystem::path& target);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const std::filesystem::path& path() const { return temporary_; }  ///< Where files go.
  void commit();

 private:
  [[noreturn]] void fail(const char* act) const;

  std::filesystem::path shown_;   // as the caller named it, for messages
  std::filesystem::path target_;  // links resolved
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace kedit
