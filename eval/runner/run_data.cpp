#include "eval/runner/run_data.hpp"

#include "eval/runner/case_json.hpp"
#include "eval/runner/run.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

std::vector<MquakeCase> cases_from(const std::string& payload, const std::string& run) {
  std::vector<MquakeCase> cases;
  const Json list = parse_json(payload, "cases of run " + run);
  for (const Json& one : list) cases.push_back(case_from_json(to_text(one)));
  return cases;
}

}  // namespace

RunData load_run(const Store& store, const std::string& id_or_name) {
  const auto record = store.run(id_or_name);
  if (!record) {
    throw StoreError(StoreError::Kind::absent,
                     fmt::format("{}: there is no run \"{}\"; see kedit bench status",
                                 store.path().string(), id_or_name));
  }
  RunData data;
  data.record = *record;
  data.header = parse_json(record->header, "run " + record->id);
  data.config = parse_json(record->config, "run " + record->id);
  for (const ResultRecord& result : store.results(record->id)) {
    if (result.system == kCasesRow) {
      data.cases = cases_from(result.payload, record->id);
    } else {
      data.outputs[result.system][result.case_id] = case_outputs_from_json(result.payload);
    }
  }
  return data;
}

}  // namespace kedit
