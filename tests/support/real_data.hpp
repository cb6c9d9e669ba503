#pragma once

#include "tests/support/skip.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace kedit::test {

/// A file or folder of the published data sets and vocabularies, which are not part of the
/// repository, or nothing after `skip_test`. They lie in $KEDIT_DATA_DIR, else in ../shared/data
/// beside the sources. Test cases that ask for one carry the tag [real-data].
inline std::optional<std::filesystem::path> real_data(const std::string& name) {
  const char* chosen = std::getenv("KEDIT_DATA_DIR");
  const std::filesystem::path directory =
      chosen != nullptr ? std::filesystem::path(chosen)
                        : std::filesystem::path(KEDIT_SOURCE_DIR) / ".." / "shared" / "data";
  if (std::filesystem::exists(directory / name)) return directory / name;
  skip_test("real data is not at hand (KEDIT_DATA_DIR): " + name);
  return std::nullopt;
}

}  // namespace kedit::test
