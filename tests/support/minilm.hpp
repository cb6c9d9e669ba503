#pragma once

#include "tests/support/skip.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace kedit::test {

/// The directory of all-MiniLM-L6-v2 ($KEDIT_MINILM), or nothing after `skip_test`.
inline std::optional<std::filesystem::path> minilm() {
  const char* chosen = std::getenv("KEDIT_MINILM");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  skip_test("all-MiniLM-L6-v2 is not at hand (KEDIT_MINILM)");
  return std::nullopt;
}

}  // namespace kedit::test
