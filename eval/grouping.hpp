#pragma once

#include "datasets/mquake.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// How cases are put into groups whose edits are active together.
enum class Grouping {
  seed0,  ///< P-seed0: Python's shuffle of the cases in file order, then contiguous slices.
  file,   ///< P-file: contiguous slices in file order.
};
const char* to_string(Grouping grouping);
/// "seed0" or "file"; throws `EvalError`.
Grouping parse_grouping(std::string_view name);

/// Protocol of a run: which cases share a pool of edits.
struct GroupingProtocol {
  Grouping grouping = Grouping::seed0;
  std::int64_t group_size = 1;  ///< Cases per group; 0: all cases in one.
  std::uint64_t seed = 0;       ///< Of the shuffle; 0 is the published order.
};

/// Case ids per group. The last group may be smaller. Throws `EvalError` for a negative size.
std::vector<std::vector<std::int64_t>> group_cases(const std::vector<std::int64_t>& case_ids,
                                                   const GroupingProtocol& protocol);

/// SHA-256 of the groups: ids joined by ",", groups by ";". Names a grouping in reports.
std::string grouping_hash(const std::vector<std::vector<std::int64_t>>& groups);

/// The case with an id; throws `EvalError` when the dataset has none.
const MquakeCase& find_case(const MquakeDataset& dataset, std::int64_t case_id);

/// The distinct edits (subject, relation, new object) of cases, in first-occurrence order.
std::vector<EditRequest> pool_of(const std::vector<const MquakeCase*>& cases);

}  // namespace kedit
