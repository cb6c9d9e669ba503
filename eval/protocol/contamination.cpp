#include "eval/protocol/contamination.hpp"

#include "eval/protocol/grouping.hpp"

#include <algorithm>
#include <unordered_map>

namespace kedit {

EditPool edit_pool(const std::vector<const MquakeCase*>& active) {
  EditPool pool;
  for (const MquakeCase* one : active) {
    for (const Triple& edit : one->edit_triples) {
      pool[{edit.subject, edit.relation}].insert(edit.object);
    }
    if (one->source == CaseSource::mquake) continue;
    for (const Rewrite& edit : one->rewrites) {
      pool[{edit.subject, edit.prompt}].insert(edit.target_new);
    }
  }
  return pool;
}

namespace {

// Without a chain, what can be contradicted is the edit itself.
bool contradicted_edit(const MquakeCase& one, const EditPool& pool) {
  return std::any_of(one.rewrites.begin(), one.rewrites.end(), [&](const Rewrite& edit) {
    const auto found = pool.find({edit.subject, edit.prompt});
    if (found == pool.end()) return false;
    return found->second.size() > found->second.count(edit.target_new);
  });
}

}  // namespace

std::vector<std::int64_t> contradicted_hops(const MquakeCase& mquake_case, const EditPool& pool) {
  std::vector<std::int64_t> hops;
  for (std::size_t i = 0; i < mquake_case.new_triples.size(); ++i) {
    const Triple& hop = mquake_case.new_triples[i];
    const auto found = pool.find({hop.subject, hop.relation});
    if (found != pool.end() && found->second.count(hop.object) == 0) {
      hops.push_back(static_cast<std::int64_t>(i));
    }
  }
  return hops;
}

bool contaminated(const MquakeCase& mquake_case, const EditPool& pool) {
  if (mquake_case.source != CaseSource::mquake) return contradicted_edit(mquake_case, pool);
  return !contradicted_hops(mquake_case, pool).empty();
}

LabelPool label_pool(const std::vector<const MquakeCase*>& active) {
  LabelPool pool;
  for (const MquakeCase* one : active) {
    for (const Rewrite& rewrite : one->rewrites) {
      pool[{rewrite.subject, rewrite.relation}].insert(rewrite.target_new);
    }
  }
  return pool;
}

bool contaminated_by_label(const MquakeCase& one, const LabelPool& pool) {
  for (std::size_t i = 0; i < one.new_triples_labeled.size(); ++i) {
    const Triple& hop = one.new_triples_labeled[i];
    const auto found = pool.find({hop.subject, one.new_triples[i].relation});
    if (found == pool.end()) continue;
    const bool agrees = found->second.count(hop.object) > 0;
    if (found->second.size() > (agrees ? 1U : 0U)) return true;
  }
  return false;
}

std::set<std::int64_t> contaminated_cases(const MquakeDataset& dataset,
                                          const std::vector<std::vector<std::int64_t>>& groups) {
  std::unordered_map<std::int64_t, const MquakeCase*> by_id;
  for (const MquakeCase& one : dataset.cases) by_id.emplace(one.case_id, &one);
  std::set<std::int64_t> ids;
  for (const auto& group : groups) {
    std::vector<const MquakeCase*> active;
    for (const std::int64_t id : group) active.push_back(by_id.at(id));
    const EditPool pool = edit_pool(active);
    for (const MquakeCase* one : active) {
      if (contaminated(*one, pool)) ids.insert(one->case_id);
    }
  }
  return ids;
}

}  // namespace kedit
