#pragma once

#include "datasets/case.hpp"
#include "json/json.hpp"

namespace kedit::runner {

/// Reads a case as it was stored before cases had a version: MQuAKE's record, into which those of
/// CounterFact and zsRE were fitted. Throws `JsonError`.
Case read_old_case(const JsonView& view);

}  // namespace kedit::runner
