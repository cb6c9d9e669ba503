#pragma once

#include <array>
#include <cstdint>

namespace kedit {

/// A code point whose upper case is two or three code points; unused places are 0.
struct SpecialUpperCase {
  std::int32_t from;
  std::array<std::int32_t, 3> to;
};

/// The entry for `code_point`, or null when its upper case is a single code point.
const SpecialUpperCase* special_upper_case(std::int32_t code_point);

}  // namespace kedit
