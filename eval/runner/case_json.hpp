#pragma once

#include "datasets/case.hpp"
#include "json/json.hpp"

#include <string>

namespace kedit::runner {

/// One case as the evaluator keeps it beside results, so that reports need no dataset file.
Json case_to_json(const Case& one);
/// Reads what this version writes and what earlier ones wrote. Throws `EvalError` for anything
/// else.
Case case_from_json(const std::string& text);

}  // namespace kedit::runner
