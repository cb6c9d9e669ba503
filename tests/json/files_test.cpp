#include "json/atomic_file.hpp"
#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace kedit;
namespace fs = std::filesystem;

namespace {

std::string reading(const fs::path& file) {
  return thrown_message<JsonError>([&] { read_text_file(file); });
}

std::size_t entries(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("read_text_file: missing and special files are refused by name without waiting") {
  const TemporaryDirectory directory;
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(contains(reading(directory / "absent"), "No such file or directory"));
  CHECK(contains(reading(directory.path()), "expected a regular file, found a directory"));
  CHECK(contains(reading(directory / "pipe"), "expected a regular file, found a named pipe"));
  CHECK(contains(reading("/dev/null"), "expected a regular file, found a device"));
  CHECK(contains(reading(directory / "absent"), (directory / "absent").string()));
}

TEST_CASE("read_text_file: a file larger than the limit is refused before it is read") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "big", std::string(1000, 'x'));
  CHECK(read_text_file(directory / "big", 1000).size() == 1000);
  CHECK(contains(thrown_message<JsonError>([&] { read_text_file(directory / "big", 999); }),
                 "expected at most 999 bytes, found 1000"));
}

TEST_CASE("read_json_lines: one value per line is read and a fault names its line") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "ok", "{\"a\":1}\n\n  \r\n[2]");
  CHECK(read_json_lines(directory / "ok").size() == 2);
  write_file_atomically(directory / "bad", "{}\n\n{\"a\" 1}\n");
  CHECK(contains(thrown_message<JsonError>([&] { read_json_lines(directory / "bad"); }), "line 3"));
}

TEST_CASE("write_file_atomically: the old file is replaced and no temporary file is left") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "f", "old");
  write_file_atomically(directory / "f", "new");
  CHECK(read_text_file(directory / "f") == "new");
  CHECK(entries(directory.path()) == 1);
}

TEST_CASE("AtomicFile: an uncommitted write leaves the old file as it was") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "f", "old");
  {
    AtomicFile out(directory / "f");
    out.write("half", 4);
  }
  CHECK(read_text_file(directory / "f") == "old");
  CHECK(entries(directory.path()) == 1);
}

TEST_CASE("write_file_atomically: a symbolic link and the mode of the replaced file are kept") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "real", "old");
  REQUIRE(::chmod((directory / "real").c_str(), 0640) == 0);
  fs::create_symlink("real", directory / "link");
  write_file_atomically(directory / "link", "new");
  CHECK(fs::is_symlink(directory / "link"));
  CHECK(read_text_file(directory / "real") == "new");
  CHECK((fs::status(directory / "real").permissions() & fs::perms::mask) == fs::perms(0640));
}

TEST_CASE("write_file_atomically: a failed write says why") {
  const TemporaryDirectory directory;
  const auto writing = [](const fs::path& file) {
    return thrown_message<FileWriteError>([&] { write_file_atomically(file, "text"); });
  };
  CHECK(contains(writing(directory / "no/such/f"), "No such file or directory"));
  CHECK(contains(writing(directory.path()), "expected a file, found a directory"));
  CHECK(contains(writing("/dev/full"), "No space left on device; nothing was changed"));
}
