#pragma once

#include "tests/support/skip.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

namespace kedit::test {

/// The directory of all-MiniLM-L6-v2 ($KEDIT_MINILM, else where `kedit model get` keeps it), or
/// nothing after `skip_test`.
inline std::optional<std::filesystem::path> minilm() {
  constexpr std::array<std::pair<const char*, const char*>, 4> kPlaces = {
      {{"KEDIT_MINILM", "."},
       {"KEDIT_CACHE", "models/all-minilm-l6-v2"},
       {"XDG_CACHE_HOME", "kedit/models/all-minilm-l6-v2"},
       {"HOME", ".cache/kedit/models/all-minilm-l6-v2"}}};
  for (const auto& [variable, folder] : kPlaces) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    const auto directory = std::filesystem::path(value) / folder;
    if (std::filesystem::exists(directory / "model.safetensors")) return directory;
  }
  skip_test("all-MiniLM-L6-v2 is not at hand (kedit model get all-minilm-l6-v2, or KEDIT_MINILM)");
  return std::nullopt;
}

}  // namespace kedit::test
