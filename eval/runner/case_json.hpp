#pragma once

#include "datasets/mquake.hpp"
#include "json/json.hpp"

#include <string>

namespace kedit {

/// One case as the evaluator keeps it beside results, so that reports need no dataset file.
Json case_to_json(const MquakeCase& mquake_case);
/// Throws `EvalError` when the text is not what `case_to_json` writes.
MquakeCase case_from_json(const std::string& text);

}  // namespace kedit
