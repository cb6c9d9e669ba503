#pragma once

#include "datasets/case.hpp"
#include "eval/metrics/outputs.hpp"
#include "json/json.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kedit::runner {

/// A run as the store holds it, typed: everything a report or a rescoring needs.
struct RunData {
  RunRecord record;
  Json header;
  Json config;
  std::vector<Case> cases;  ///< In the order of the groups.
  std::map<std::string, std::map<std::int64_t, CaseOutputs>> outputs;  ///< By system and case.
};

/// Throws `StoreError` for an unknown run, `EvalError` for results that are not what runs store.
RunData load_run(const Store& store, const std::string& id_or_name);

}  // namespace kedit::runner
