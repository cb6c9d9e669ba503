#include "json/atomic_directory.hpp"

#include "json/json.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace kedit {
namespace {

namespace fs = std::filesystem;

// Follows links, and drops a slash at the end, beside which nothing could be made.
fs::path place_of(const fs::path& target) {
  std::error_code error;
  fs::path place = fs::weakly_canonical(fs::absolute(target), error);
  if (error || place.empty()) place = target;
  return place.has_filename() ? place : place.parent_path();
}

void check_free(const fs::path& target, const fs::path& shown) {
  std::error_code error;
  const auto status = fs::status(target, error);
  if (status.type() == fs::file_type::not_found) return;
  const bool directory = fs::is_directory(status);
  if (directory && fs::is_empty(target, error) && !error) return;
  throw FileWriteError(
      fmt::format("writing {}: expected no such directory or an empty one, found {}; name another",
                  shown.string(), directory ? "one that holds files" : "a file"));
}

mode_t mode_of_new_directory() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0777U & ~mask;
}

}  // namespace

AtomicDirectory::AtomicDirectory(const fs::path& target)
    : shown_(target), target_(place_of(target)) {
  check_free(target_, shown_);
  std::string pattern = target_.string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) fail("making a temporary directory beside it");
  temporary_ = pattern;
  static_cast<void>(::chmod(pattern.c_str(), mode_of_new_directory()));
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail("renaming it into place");
  committed_ = true;
}

void AtomicDirectory::fail(const char* act) const {
  const std::string reason = std::generic_category().message(errno);
  throw FileWriteError(
      fmt::format("writing {}: {}: {}; nothing was changed", shown_.string(), act, reason));
}

}  // namespace kedit
