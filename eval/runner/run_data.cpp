#include "eval/runner/run_data.hpp"

#include "eval/runner/case_json.hpp"
#include "eval/runner/run.hpp"

#include <fmt/format.h>

#include <unordered_map>

namespace kedit::runner {
namespace {

std::vector<Case> cases_from(const std::string& payload, const std::string& run) {
  std::vector<Case> cases;
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
  const std::vector<ResultRecord> results = store.results(record->id);
  for (const ResultRecord& result : results) {
    if (result.system == kCasesRow) data.cases = cases_from(result.payload, record->id);
  }
  std::unordered_map<std::int64_t, const Case*> by_id;
  for (const Case& one : data.cases) by_id.emplace(one.id, &one);
  for (const ResultRecord& result : results) {
    if (result.system == kCasesRow) continue;
    const auto of = by_id.find(result.case_id);
    if (of == by_id.end()) {
      throw EvalError(
          fmt::format("reading a stored result: run {} has one of case {}, which is not "
                      "among its cases",
                      record->id, result.case_id));
    }
    data.outputs[result.system][result.case_id] =
        case_outputs_from_json(result.payload, *of->second);
  }
  return data;
}

}  // namespace kedit::runner
