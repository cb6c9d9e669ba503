#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kedit::report {

/// Text for element content and for quoted attributes: & < > " ' escaped, control characters but
/// tab and newline dropped, bytes that are not UTF-8 replaced by U+FFFD.
std::string escape_html(std::string_view text);

/// "41.7" for 0.4167: per cent with one decimal.
std::string percent(double value);

/// "1,018,496"
std::string with_thousands(std::int64_t value);

}  // namespace kedit::report
