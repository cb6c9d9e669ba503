#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kedit::test {

/// What a finished program left behind.
struct Outcome {
  int code = 0;  ///< Exit code; -N when signal N ended it.
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string input = {};                               ///< Standard input.
  std::map<std::string, std::string> environment = {};  ///< On top of the test's own; empty: unset.
  std::filesystem::path directory = {};    ///< Working directory; empty: the test's own.
  std::string out_to = {};                 ///< File for standard output; "closed" closes it.
  long file_size_limit = 0;                ///< Bytes (RLIMIT_FSIZE); 0: none.
  std::string interrupt_at = {};           ///< Sends SIGINT once standard error holds this text.
  std::function<bool()> signal_when = {};  ///< Asked every few milliseconds; then `signal` is sent.
  int signal = 9;                          ///< SIGKILL
};

/// Runs the kedit binary as a user would and waits for it. No shell in between.
Outcome run_kedit(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// A folder of its own that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_text(const std::filesystem::path& file, const std::string& text);
std::string read_text(const std::filesystem::path& file);

/// tests/golden of the source tree.
std::filesystem::path golden(const std::string& name);

/// Writes a random two-layer checkpoint with a trained tokenizer (the sizes of a toy) and returns
/// its folder. Same bytes each time.
std::filesystem::path write_tiny_model(const std::filesystem::path& folder);

/// True when `err` is one sentence on one line that begins with "kedit: " and holds all `parts`.
bool is_one_sentence(const std::string& err, const std::vector<std::string>& parts);

}  // namespace kedit::test
