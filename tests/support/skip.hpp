#pragma once

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

namespace kedit::test {

/// What the process exits with when a test case was skipped and none failed (CTest: Skipped).
constexpr int kSkipped = 77;

/// Why test cases of this process were skipped, in order.
inline std::vector<std::string>& skip_reasons() {
  static std::vector<std::string> reasons;
  return reasons;
}

/// Notes that the running test case cannot run here; it has to return then. (Catch2 2 has no SKIP;
/// tests/support/main.cpp turns the note into the exit code.)
inline void skip_test(const std::string& reason) {
  skip_reasons().push_back(reason);
  WARN("skipped: " << reason);
}

}  // namespace kedit::test
