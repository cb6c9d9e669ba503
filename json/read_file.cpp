#include "json/json.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace kedit {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail(const std::string& name, const std::string& reason) {
  throw JsonError(fmt::format("reading {}: {}", name, reason));
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Reads to the end, never more than `max_bytes`: a file may grow while it is read.
std::string drain(int descriptor, const std::string& name, std::int64_t max_bytes,
                  std::size_t expected_bytes) {
  std::string bytes;
  bytes.resize(expected_bytes + 1);
  std::size_t used = 0;
  while (true) {
    if (used == bytes.size()) bytes.resize(std::max<std::size_t>(bytes.size() * 2, 65536));
    const ssize_t got = ::read(descriptor, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(name, std::generic_category().message(errno));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (static_cast<std::int64_t>(used) > max_bytes) {
      fail(name, fmt::format("expected at most {} bytes, found more", max_bytes));
    }
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

std::string read_text_file(const std::filesystem::path& file, std::int64_t max_bytes) {
  if (file == "-") return drain(STDIN_FILENO, "standard input", max_bytes, 65535);
  const std::string name = file.string();
  // Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
  const Descriptor descriptor(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) fail(name, std::generic_category().message(errno));
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail(name, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) {
    fail(name, fmt::format("expected a regular file, found {}", kind_of(status.st_mode)));
  }
  if (status.st_size > max_bytes) {
    fail(name, fmt::format("expected at most {} bytes, found {}", max_bytes, status.st_size));
  }
  return drain(descriptor.get(), name, max_bytes, static_cast<std::size_t>(status.st_size));
}

}  // namespace kedit
