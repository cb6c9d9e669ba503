#pragma once

#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace kedit::testing {

/// A file of the real data sets, or nothing after a warning that the test was skipped. The
/// directory is $KEDIT_DATA_DIR, else ../shared/data beside the sources.
inline std::optional<std::filesystem::path> real_file(const std::string& name) {
  const char* chosen = std::getenv("KEDIT_DATA_DIR");
  const std::filesystem::path directory =
      chosen != nullptr ? std::filesystem::path(chosen)
                        : std::filesystem::path(KEDIT_SOURCE_DIR) / ".." / "shared" / "data";
  if (std::filesystem::exists(directory / name)) return directory / name;
  WARN("skipped: " << name << " is not there; set KEDIT_DATA_DIR to run this test");
  return std::nullopt;
}

}  // namespace kedit::testing
