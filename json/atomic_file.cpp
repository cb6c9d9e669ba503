#include "json/atomic_file.hpp"

#include "json/json.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace kedit {
namespace {

namespace fs = std::filesystem;

std::string system_reason(int code) { return std::generic_category().message(code); }

// Follows links, so that the rename replaces the file and not the link to it.
fs::path resolve_links(const fs::path& target) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(target, error);
  return error || resolved.empty() ? target : resolved;
}

mode_t mode_of_new_file(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0) return status.st_mode & 07777U;
  return 0644U;
}

// The rename itself becomes durable with its folder. A file system that cannot sync a folder is no
// reason to fail: the data is there.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  static_cast<void>(::fsync(descriptor));
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : shown_(target), target_(resolve_links(target)) {
  struct stat status {};
  if (::stat(target_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      throw FileWriteError(
          fmt::format("writing {}: expected a file, found a directory", shown_.string()));
    }
    if (!S_ISREG(status.st_mode)) {
      descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
      if (descriptor_ < 0) fail("opening it");
      return;
    }
  }
  std::string pattern = target_.string() + ".XXXXXX";
  descriptor_ = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail("creating a temporary file beside it");
  temporary_ = pattern;
}

AtomicFile::~AtomicFile() {
  close_descriptor();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::close_descriptor() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void AtomicFile::fail(const char* act) const {
  const std::string reason = system_reason(errno);
  throw FileWriteError(
      fmt::format("writing {}: {}: {}; nothing was changed", shown_.string(), act, reason));
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("writing to it");
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (temporary_.empty()) {
    close_descriptor();
    return;
  }
  if (::fchmod(descriptor_, mode_of_new_file(target_)) != 0) fail("setting its mode");
  if (::fsync(descriptor_) != 0) fail("syncing it");
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail("closing it");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("renaming to it");
  temporary_.clear();
  sync_folder(target_.has_parent_path() ? target_.parent_path() : fs::path("."));
}

}  // namespace kedit
