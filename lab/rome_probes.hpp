#pragma once

#include "lab/world/world.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kedit::lab {

/// Prompts and wanted continuations by measure ("efficacy", "other subjects", ...).
using ProbePairs = std::vector<std::pair<std::string, std::string>>;

/// One edit of the lab's table and everything that is asked about it.
struct LabEdit {
  EditRequest request;
  std::map<std::string, ProbePairs> wanted;  ///< should hold after the edit
  std::map<std::string, ProbePairs> kept;    ///< should be as before: counted where right before
  std::string thought_prompt;                ///< multi-hop question with thoughts
  std::string in_context_prompt;             ///< the same behind the edited fact
  std::string thought_answer;                ///< end of the chain after the edit
};

/// `count` edits (fewer if the world has no more), each the only edit of a case of two or three
/// hops. Deterministic in `seed`.
std::vector<LabEdit> lab_edits(const World& world, std::int64_t count, std::uint64_t seed);

}  // namespace kedit::lab
