#pragma once

#include "datasets/case.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kedit::protocol {

/// The active edits by (subject id, relation id): the new objects that they demand. Edits without a
/// chain, which have no ids, stand under (subject, prompt).
using EditPool = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

EditPool edit_pool(const std::vector<const Case*>& active);

/// Hops of the case's post-edit chain that the pool contradicts: some active edit gives the same
/// (subject, relation) another object. Positions count from 0. A case's own edits never contradict
/// it.
std::vector<std::int64_t> contradicted_hops(const Case& of, const EditPool& pool);

/// True when the pool contradicts any hop: the expected answer is then not reachable under the
/// pool. A case without a chain is contaminated when its edit is: the same prompt about the same
/// subject is to have two objects.
bool contaminated(const Case& of, const EditPool& pool);

/// The same by labels and relation ids, as some public utilities test it: some active edit of
/// another case gives the hop another object. Two entities of one label are told apart only by ids.
using LabelPool = std::map<std::pair<std::string, std::string>, std::set<std::string>>;
LabelPool label_pool(const std::vector<const Case*>& active);
bool contaminated_by_label(const Case& of, const LabelPool& pool);

/// Ids of the contaminated cases when every group's edits are active together, ascending.
std::set<std::int64_t> contaminated_cases(const Dataset& dataset,
                                          const std::vector<std::vector<std::int64_t>>& groups);

}  // namespace kedit::protocol
