#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kedit::catalogue {

struct ChildOptions {
  std::filesystem::path directory = {};                 ///< Where it runs.
  std::map<std::string, std::string> environment = {};  ///< On top of this process's own.
  /// Asked every tenth of a second; false: the program is killed.
  std::function<bool()> go_on = {};
};

struct ChildResult {
  int code = 0;        ///< Exit code; 127 when there is no such program; -N when signal N ended it.
  std::string output;  ///< The end of what it wrote to standard output and standard error.
  bool stopped = false;  ///< `go_on` said no.
};

/// Runs the program `words[0]`, looked up on the PATH, without a shell, standard input empty, and
/// waits for it. It does not outlive this process. Throws `std::system_error` when no process can
/// be made.
ChildResult run_child(const std::vector<std::string>& words, const ChildOptions& options);

}  // namespace kedit::catalogue
