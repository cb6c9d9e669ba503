#pragma once

#include "store/branch_rows.hpp"

#include <string>
#include <vector>

namespace kedit {

/// What merging another branch's list into ours would do.
struct MergePlan {
  std::vector<std::string> incoming;    ///< Their commits that ours lacks, in their order.
  bool fast_forward = false;            ///< Theirs has all of ours.
  std::vector<std::string> fresh;       ///< Edits live afterwards that were not before.
  std::vector<std::string> reverted;    ///< Edits live before that are not afterwards.
  std::vector<std::string> ours_alone;  ///< Edits live before and afterwards, not live on theirs.
};

MergePlan plan_merge(const std::vector<Listed>& ours, const std::vector<Listed>& theirs);

/// Claims of `second` that give a key of `first` another target.
std::vector<Conflict> contradictions_of(Connection& db, const std::vector<std::string>& first,
                                        const std::vector<std::string>& second);

}  // namespace kedit
