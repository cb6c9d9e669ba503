#pragma once

#include "datasets/mquake.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// The two layouts of published files; both escape non-ASCII as \u and end without a newline.
enum class MquakeLayout {
  pretty,  ///< Two-space indent (CF-3k v1).
  line,    ///< One line, ", " and ": " between (2002, hard).
};

/// Cases in the nested form, byte for byte as the published files are written.
std::string mquake_text(const std::vector<MquakeCase>& cases, MquakeLayout layout);

/// "CF-3k v1", "2002" or "hard" by a file's layout-free identity; "" for other files.
std::string_view mquake_variant(std::string_view content_sha256);

}  // namespace kedit
