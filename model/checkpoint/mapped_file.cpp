#include "model/checkpoint/mapped_file.hpp"

#include "model/decoder/architecture.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace kedit::checkpoint {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw ModelError(fmt::format("reading {}: {}", file.string(), what));
}

std::string reason() { return std::generic_category().message(errno); }

// Closes on every way out of the constructor but the last.
struct DescriptorGuard {
  int descriptor;
  ~DescriptorGuard() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

std::size_t regular_size(int descriptor, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(file, reason());
  if (!S_ISREG(status.st_mode)) {
    fail(file, S_ISDIR(status.st_mode) ? "expected a regular file, found a directory"
                                       : "expected a regular file, found a pipe or a device");
  }
  return static_cast<std::size_t>(status.st_size);
}

FileStamp stamp_from(const std::filesystem::path& file, const struct stat& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {std::filesystem::absolute(file).lexically_normal().string(),
          static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * kNanoseconds + status.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(status.st_ino)};
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return stamp_from(file, status);
}

MappedFile::MappedFile(const std::filesystem::path& file) : path_(file) {
  // Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
  DescriptorGuard guard{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (guard.descriptor < 0) fail(file, reason());
  size_ = regular_size(guard.descriptor, file);
  if (size_ == 0) fail(file, "expected data, found an empty file");
  if (::flock(guard.descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    fail(file, "another process is writing it; try again when that is done");
  }
  void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, guard.descriptor, 0);
  if (memory == MAP_FAILED) fail(file, "mapping it into memory: " + reason());
  data_ = static_cast<std::uint8_t*>(memory);
  descriptor_ = guard.descriptor;
  guard.descriptor = -1;
  // A file that shrinks under a mapping ends in SIGBUS; one that has just changed is refused.
  const std::size_t size_now = regular_size(descriptor_, file);
  if (size_now != size_) {
    ::munmap(data_, size_);
    ::close(descriptor_);
    fail(file, fmt::format("expected it to stay as it is, found it changing from {} to {} bytes",
                           size_, size_now));
  }
#ifdef MADV_POPULATE_READ
  // Maps what the page cache holds in one go; without it every 4 KB cost a fault.
  static_cast<void>(::madvise(memory, size_, MADV_POPULATE_READ));
#else
  static_cast<void>(::madvise(memory, size_, MADV_WILLNEED));
#endif
}

std::optional<FileStamp> MappedFile::stamp() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return std::nullopt;
  return stamp_from(path_, status);
}

MappedFile::~MappedFile() {
  ::munmap(data_, size_);
  ::close(descriptor_);
}

}  // namespace kedit::checkpoint
