#pragma once

#include "json/json.hpp"
#include "tokenizer/tokenizer.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace kedit::testing {

inline std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "tokenizer" / name;
}

inline std::shared_ptr<const Tokenizer> golden_tokenizer(const std::string& name) {
  const auto file = golden_file(name);
  return Tokenizer::parse(read_text_file(file), file.string());
}

/// The message of the `Error` that `act` throws; empty when it throws none.
template <typename Error, typename Act>
std::string message_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A directory of files, gone with the object.
class FileDirectory {
 public:
  FileDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kedit-tokenizer-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~FileDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FileDirectory(const FileDirectory&) = delete;
  FileDirectory& operator=(const FileDirectory&) = delete;

  FileDirectory& write(const std::string& name, const std::string& text) {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return *this;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace kedit::testing
