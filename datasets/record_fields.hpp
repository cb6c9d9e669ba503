#pragma once

#include "json/json.hpp"

#include <string>
#include <string_view>

namespace kedit {

/// A field of a record that must hold some text. Throws `JsonError` naming file and pointer.
inline std::string text_at(const JsonView& object, std::string_view key) {
  const JsonView field = object.at(key);
  std::string text = field.string();
  if (text.empty()) field.fail("some text");
  return text;
}

}  // namespace kedit
