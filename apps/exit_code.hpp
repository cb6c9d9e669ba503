#pragma once

#include <exception>
#include <string>

namespace kedit::cli {

/// What the program says about itself when it ends.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kBadInput = 3,
  kStoreTrouble = 4,
  kNoMemoryOrDevice = 5,
  kInterrupted = 130,
};

struct Verdict {
  int code = kFailed;
  std::string sentence;  ///< One line; empty: say nothing.
};

/// The documented exit code and one sentence for an exception that ended a command. The only place
/// that knows all error types.
Verdict judge(const std::exception_ptr& exception);

}  // namespace kedit::cli
