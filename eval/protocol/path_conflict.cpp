// Chains whose unedited hops other edits overwrite.
#include "eval/protocol/path_conflict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace kedit::protocol {
namespace {

// What a claim puts into a slot (subject and relation). Known by id where the claim carries the id
// of a chain's request, by label else.
struct Target {
  std::string object_id, label;
  const EditClaim* claim = nullptr;
};

std::string slot(std::string_view subject, std::string_view relation) {
  return fmt::format("{}:{}:{}", subject.size(), subject, relation);
}

class Pool {
 public:
  Pool(const std::vector<EditClaim>& claims, const std::vector<Chain>& chains) {
    std::unordered_map<std::string, const ChainHop*> by_request;
    std::unordered_map<std::string, std::string> relation_of_prompt;
    for (const Chain& chain : chains) {
      for (const ChainHop& hop : chain.hops) {
        if (hop.request_id.empty()) continue;
        by_request.emplace(hop.request_id, &hop);
        relation_of_prompt.emplace(normalised_name(hop.prompt), hop.relation_id);
      }
    }
    for (const EditClaim& claim : claims) {
      const auto requested = by_request.find(claim.request_id);
      if (requested != by_request.end() && says(claim, *requested->second)) {
        add_known(claim, *requested->second);
        continue;
      }
      std::string relation = claim.relation;
      if (relation.empty()) {
        const auto found = relation_of_prompt.find(normalised_name(claim.prompt));
        if (found == relation_of_prompt.end()) continue;  // nothing to compare it by
        relation = found->second;
      }
      by_label_[slot(normalised_name(claim.subject), relation)].push_back(
          {"", normalised_name(claim.target), &claim});
    }
  }

  // Claims that give the hop's slot another object, unless some claim gives it the hop's own.
  std::vector<const EditClaim*> contradicting(const ChainHop& hop) const {
    std::vector<const EditClaim*> others;
    const std::string label = normalised_name(hop.object);
    bool kept = false;
    const auto look = [&](const auto& targets, const std::string& key) {
      const auto found = targets.find(key);
      if (found == targets.end()) return;
      for (const Target& target : found->second) {
        const bool same =
            target.object_id.empty() ? target.label == label : target.object_id == hop.object_id;
        kept = kept || same;
        if (!same) others.push_back(target.claim);
      }
    };
    look(by_id_, slot(hop.subject_id, hop.relation_id));
    look(by_label_, slot(normalised_name(hop.subject), hop.relation_id));
    return kept ? std::vector<const EditClaim*>{} : others;
  }

  // The hop is one that its case edits, and some claim makes that edit.
  bool makes(const ChainHop& hop) const {
    const auto known = by_id_.find(slot(hop.subject_id, hop.relation_id));
    if (known != by_id_.end()) {
      for (const Target& target : known->second) {
        if (target.object_id == hop.object_id) return true;
      }
    }
    const auto named = by_label_.find(slot(normalised_name(hop.subject), hop.relation_id));
    if (named == by_label_.end()) return false;
    const std::string label = normalised_name(hop.object);
    return std::any_of(named->second.begin(), named->second.end(),
                       [&](const Target& target) { return target.label == label; });
  }

 private:
  using Targets = std::unordered_map<std::string, std::vector<Target>>;

  static bool says(const EditClaim& claim, const ChainHop& hop) {
    return normalised_name(claim.subject) == normalised_name(hop.subject) &&
           normalised_name(claim.target) == normalised_name(hop.object);
  }
  void add_known(const EditClaim& claim, const ChainHop& hop) {
    by_id_[slot(hop.subject_id, hop.relation_id)].push_back({hop.object_id, "", &claim});
  }

  Targets by_id_, by_label_;
};

std::vector<Conflict> conflicts_of(const std::string& chain, const std::vector<ChainHop>& hops,
                                   const Pool& pool) {
  std::vector<Conflict> found;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const ChainHop& hop = hops[i];
    // What contradicts a case's own edit has the same key: a conflict of that kind, not a path.
    if (!hop.request_id.empty()) continue;
    const auto others = pool.contradicting(hop);
    if (others.empty()) continue;
    Conflict conflict{ConflictKind::path, {}};
    std::set<std::string> edits;  // a case of several paraphrased requests counts once
    for (const EditClaim* claim : others) {
      if (edits.insert(claim->edit).second) conflict.claims.push_back(*claim);
    }
    conflict.chain = chain;
    conflict.hop = static_cast<std::int64_t>(i);
    conflict.hop_claim.subject = hop.subject;
    conflict.hop_claim.relation = hop.relation_id;
    conflict.hop_claim.target = hop.object;
    found.push_back(std::move(conflict));
  }
  return found;
}

}  // namespace

PathConflicts path_conflicts(const std::vector<EditClaim>& claims,
                             const std::vector<Chain>& chains) {
  const Pool pool(claims, chains);
  PathConflicts result;
  for (const Chain& chain : chains) {
    const bool edited = std::any_of(chain.hops.begin(), chain.hops.end(), [&](const ChainHop& hop) {
      return !hop.request_id.empty() && pool.makes(hop);
    });
    if (!edited) {
      const bool hit = !conflicts_of(chain.name, chain.original, pool).empty();
      result.unedited_cases_hit += hit ? 1 : 0;
      continue;
    }
    ++result.edited_cases;
    for (Conflict& conflict : conflicts_of(chain.name, chain.hops, pool)) {
      result.conflicts.push_back(std::move(conflict));
    }
  }
  return result;
}

}  // namespace kedit::protocol
