#include "model/cache_directory.hpp"

#include <cstdlib>
#include <string>

namespace kedit {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::optional<std::filesystem::path> own_cache_directory() {
  using std::filesystem::path;
  if (const std::string own = environment("KEDIT_CACHE"); !own.empty()) return path(own);
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) {
    return path(xdg) / "kedit";
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    return path(home) / ".cache" / "kedit";
  }
  return std::nullopt;
}

std::filesystem::path cache_directory() {
  if (const auto own = own_cache_directory()) return *own;
  return std::filesystem::temp_directory_path() / "kedit";
}

}  // namespace kedit
