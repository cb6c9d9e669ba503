#include "eval/protocol/contamination.hpp"

#include "eval/protocol/grouping.hpp"

#include <algorithm>
#include <unordered_map>

namespace kedit::protocol {

EditPool edit_pool(const std::vector<const Case*>& active) {
  EditPool pool;
  for (const Case* one : active) {
    for (const Triple& edit : one->edit_triples) {
      pool[{edit.subject, edit.relation}].insert(edit.object);
    }
    if (!one->edit_triples.empty()) continue;
    for (const EditRequest& edit : one->edits) {
      pool[{edit.subject, edit.prompt}].insert(edit.target_new);
    }
  }
  return pool;
}

namespace {

// Without a chain, what can be contradicted is the edit itself.
bool contradicted_edit(const Case& one, const EditPool& pool) {
  return std::any_of(one.edits.begin(), one.edits.end(), [&](const EditRequest& edit) {
    const auto found = pool.find({edit.subject, edit.prompt});
    if (found == pool.end()) return false;
    return found->second.size() > found->second.count(edit.target_new);
  });
}

}  // namespace

std::vector<std::int64_t> contradicted_hops(const Case& of, const EditPool& pool) {
  std::vector<std::int64_t> hops;
  for (std::size_t i = 0; i < of.after.size(); ++i) {
    const Triple& hop = of.after[i].ids;
    const auto found = pool.find({hop.subject, hop.relation});
    if (found != pool.end() && found->second.count(hop.object) == 0) {
      hops.push_back(static_cast<std::int64_t>(i));
    }
  }
  return hops;
}

bool contaminated(const Case& of, const EditPool& pool) {
  if (!of.has_chain()) return contradicted_edit(of, pool);
  return !contradicted_hops(of, pool).empty();
}

LabelPool label_pool(const std::vector<const Case*>& active) {
  LabelPool pool;
  for (const Case* one : active) {
    for (const EditRequest& edit : one->edits) {
      pool[{edit.subject, edit.relation}].insert(edit.target_new);
    }
  }
  return pool;
}

bool contaminated_by_label(const Case& of, const LabelPool& pool) {
  for (const Link& hop : of.after) {
    const auto found = pool.find({hop.labels.subject, hop.ids.relation});
    if (found == pool.end()) continue;
    const bool agrees = found->second.count(hop.labels.object) > 0;
    if (found->second.size() > (agrees ? 1U : 0U)) return true;
  }
  return false;
}

std::set<std::int64_t> contaminated_cases(const Dataset& dataset,
                                          const std::vector<std::vector<std::int64_t>>& groups) {
  std::unordered_map<std::int64_t, const Case*> by_id;
  for (const Case& one : dataset.cases) by_id.emplace(one.id, &one);
  std::set<std::int64_t> ids;
  for (const auto& group : groups) {
    std::vector<const Case*> active;
    for (const std::int64_t id : group) active.push_back(by_id.at(id));
    const EditPool pool = edit_pool(active);
    for (const Case* one : active) {
      if (contaminated(*one, pool)) ids.insert(one->id);
    }
  }
  return ids;
}

}  // namespace kedit::protocol
