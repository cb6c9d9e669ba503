#pragma once

#include "json/json.hpp"

#include <string>
#include <string_view>

namespace kedit {

/// Reads the part of YAML that hyper-parameter files of the reference programs use: `key: value`
/// lines without indentation; values are numbers, booleans, null, plain or quoted strings, flow
/// lists
/// ("[[5, 10], [10, 10]]"), or a list of indented "- item" lines; "#" begins a comment. Anything
/// else (nested mappings, anchors, block text) is refused with the line number. Throws `JsonError`.
Json parse_flat_yaml(std::string_view text, const std::string& origin);

}  // namespace kedit
