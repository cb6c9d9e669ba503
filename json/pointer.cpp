#include "json/pointer.hpp"

#include "json/short_name.hpp"

namespace kedit {

std::string pointer_step(std::string_view key) {
  std::string out = "/";
  for (const char c : short_name(key)) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace kedit
