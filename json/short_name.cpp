#include "json/short_name.hpp"

namespace kedit {

std::string short_name(std::string_view name) {
  constexpr std::size_t kMostCharacters = 200;
  constexpr std::size_t kMostBytes = 4 * kMostCharacters;  // whatever the bytes are
  std::size_t characters = 0;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(name[at]) & 0xC0U) != 0x80U;
    if (starts && characters++ == kMostCharacters) return std::string(name.substr(0, at)) + "...";
    if (at == kMostBytes) return std::string(name.substr(0, at)) + "...";
  }
  return std::string(name);
}

}  // namespace kedit
