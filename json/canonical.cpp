#include "json/canonical.hpp"

namespace kedit {

// The plain type keeps objects in a sorted map.
Json canonical(const Json& value) { return nlohmann::json(value); }

}  // namespace kedit
