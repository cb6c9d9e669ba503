#pragma once

#include "json/json.hpp"

namespace kedit {

/// The value with its keys sorted at every level: values that differ only in order become equal.
/// `canonical_text` writes it without white space.
Json canonical(const Json& value);

}  // namespace kedit
