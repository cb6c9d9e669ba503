#pragma once

#include "datasets/case.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::protocol {

/// How cases are put into groups whose edits are active together.
enum class Grouping {
  seed0,  ///< P-seed0: Python's shuffle of the cases in file order, then contiguous slices.
  poke,   ///< P-poke: folds stratified by (case_id - 1) / 1000; one case or all: file order.
  file,   ///< P-file: contiguous slices in file order.
  rem,    ///< P-rem: one group of sampled cases; all others stay unedited (MQuAKE-Remastered).
};
const char* to_string(Grouping grouping);
/// "seed0", "poke", "file" or "rem"; throws `EvalError`.
Grouping parse_grouping(std::string_view name);
/// Where the definition comes from, and what it does: one sentence.
const char* grouping_summary(Grouping grouping);
/// The seed of the published groups: 0, 42, 0 and 100.
std::uint64_t default_seed(Grouping grouping);

/// Protocol of a run: which cases share a pool of edits.
struct GroupingProtocol {
  Grouping grouping = Grouping::seed0;
  std::int64_t group_size = 1;  ///< Cases per group; 0: all cases in one.
  std::uint64_t seed = 0;       ///< Of the shuffle or sample; see `default_seed`.
};

/// Case ids per group, those whose edits are active together. Groups may differ in size (the last
/// slice; folds). Throws `EvalError` for a negative size.
std::vector<std::vector<std::int64_t>> group_cases(const std::vector<std::int64_t>& case_ids,
                                                   const GroupingProtocol& protocol);

/// P-rem: the cases that stay unedited, in file order; none under the other groupings.
std::vector<std::int64_t> unedited_cases(const std::vector<std::int64_t>& case_ids,
                                         const GroupingProtocol& protocol);

/// SHA-256 of the groups: ids joined by ",", groups by ";". Names a grouping in reports.
std::string grouping_hash(const std::vector<std::vector<std::int64_t>>& groups);

/// The case with an id; throws `EvalError` when the dataset has none.
const Case& find_case(const Dataset& dataset, std::int64_t case_id);

/// The distinct edits (subject, relation, new object) of cases, in first-occurrence order.
std::vector<EditRequest> pool_of(const std::vector<const Case*>& cases);

}  // namespace kedit::protocol
