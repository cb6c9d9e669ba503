#pragma once

#include "apps/terminal.hpp"
#include "json/json.hpp"
#include "model/model.hpp"

namespace kedit::cli {

/// What `model info` says of any model, one that writes text or an encoder, without edits.
Json model_json(const Model& model);

/// The same for people, but for the fingerprint, which is the last line.
Table model_table(const Model& model);

}  // namespace kedit::cli
