#pragma once

#include "store/claims.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::protocol {

/// One hop of a case's chain, by ids and by labels.
struct ChainHop {
  std::string subject_id, relation_id, object_id;
  std::string subject, object;  ///< labels
  std::string request_id = {};  ///< Of the case's own edit of this hop; empty: unedited.
  std::string prompt = {};      ///< Of that edit.
};

struct Chain {
  std::string name;                ///< "case 17"
  std::vector<ChainHop> hops;      ///< After the case's edits.
  std::vector<ChainHop> original;  ///< Before them.
};

struct PathConflicts {
  std::vector<Conflict> conflicts;      ///< Of cases that have an edit among the claims.
  std::int64_t edited_cases = 0;        ///< Cases that have an edit among the claims.
  std::int64_t unedited_cases_hit = 0;  ///< Others whose original chain some claim contradicts.
};

/// Hops of edited cases that the claims overwrite although the case does not edit them: some claim
/// gives the hop's subject and relation an object, and none gives the hop's own. Claims that carry
/// the id of a chain's request are compared by the chain's ids, others by label (MQuAKE audit:
/// contamination).
PathConflicts path_conflicts(const std::vector<EditClaim>& claims,
                             const std::vector<Chain>& chains);

}  // namespace kedit::protocol
