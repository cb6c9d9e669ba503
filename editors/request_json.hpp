#pragma once

#include "edits/request.hpp"
#include "json/json.hpp"

namespace kedit {

/// A request as the object that request files hold (contract, section 3); empty parts are left out.
/// What a delta keeps of what it was asked to do.
Json request_to_json(const EditRequest& request);

}  // namespace kedit
