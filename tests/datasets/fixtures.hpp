#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <unistd.h>

namespace kedit::test {

/// A folder of its own, gone at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "kedit-datasets-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path file(const std::string& name, const std::string& bytes = "") const {
    if (!bytes.empty()) std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// MQuAKE-CF-3k, where real data is at hand.
inline std::optional<std::filesystem::path> real_mquake() {
  const char* set = std::getenv("KEDIT_DATA_DIR");
  const std::filesystem::path folder =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(KEDIT_SOURCE_DIR) / ".." / "shared" / "data";
  const auto file = folder / "mquake" / "MQuAKE-CF-3k.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  return file;
}

/// The message of the `Error` that `act` throws; empty when it throws none.
template <class Error, class Act>
std::string message_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace kedit::test
