#pragma once

#include "edits/request.hpp"
#include "json/json.hpp"

namespace kedit {

/// A request as the object that request files and stores hold: {"id", "subject", "prompt",
/// "target_new", "target_true"?, "rephrase"?, "relation"?, "target_new_aliases"?}; empty parts are
/// left out.
Json request_to_json(const EditRequest& request);

/// The reading side. A target may be {"str": TEXT}, as reference programs write it, and an id an
/// integer; without an id it is empty. Throws `JsonError` with the field; validates nothing.
EditRequest request_from_json(const JsonView& record);

}  // namespace kedit
