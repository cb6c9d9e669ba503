#include "json/atomic_directory.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <filesystem>

using namespace kedit;
namespace fs = std::filesystem;

namespace {

std::size_t entries_of(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

std::string making(const fs::path& target) {
  return thrown_message<FileWriteError>([&] { AtomicDirectory{target}; });
}

}  // namespace

TEST_CASE("AtomicDirectory: the target is there with all files once it is committed") {
  const TemporaryDirectory scratch;
  const bool empty_before = GENERATE(true, false);
  const fs::path target = scratch / "out";
  if (empty_before) fs::create_directory(target);
  {
    AtomicDirectory directory(empty_before ? target : fs::path(target.string() + "/"));
    write_file_atomically(directory.path() / "a.txt", "a");
    CHECK_FALSE(fs::exists(target / "a.txt"));
    directory.commit();
  }
  CHECK(read_text_file(target / "a.txt") == "a");
  CHECK(entries_of(scratch.path()) == 1);
}

TEST_CASE("AtomicDirectory: without a commit nothing is left") {
  const TemporaryDirectory scratch;
  {
    const AtomicDirectory directory(scratch / "out");
    fs::create_directories(directory.path() / "inner");
    write_file_atomically(directory.path() / "inner/a.txt", "a");
  }
  CHECK(entries_of(scratch.path()) == 0);
}

TEST_CASE("AtomicDirectory: a target that is taken, or has no place, is refused by name") {
  const TemporaryDirectory scratch;
  fs::create_directory(scratch / "full");
  write_file_atomically(scratch / "full/a.txt", "a");
  const std::string full = making(scratch / "full");
  CHECK(contains(full, "writing " + (scratch / "full").string() + ": expected no such directory"));
  CHECK(contains(full, "found one that holds files"));
  CHECK(contains(making(scratch / "full/a.txt"), "found a file"));
  CHECK(contains(making(scratch / "absent/out"), "No such file or directory"));
  CHECK(read_text_file(scratch / "full/a.txt") == "a");
  CHECK(entries_of(scratch.path()) == 1);
}
