#pragma once

#include "datasets/case.hpp"
#include "edits/fact.hpp"
#include "edits/request.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::answering {

/// The facts that edits make true, as the in-context editor keeps them.
std::vector<Fact> facts_of(const std::vector<EditRequest>& requests);

/// Which facts of a pool are shown with a question: all while they fit, else the `limit` whose
/// subjects share the largest part of their words with the question (none at all: not shown), in
/// pool order. Looks at the question and the pool only, never at golds. A second-hop subject that
/// the question does not name is therefore not found: that is a property of this rule, and reports
/// name it
/// (`kFactRule`).
std::vector<Fact> choose_facts(const std::vector<Fact>& pool, const std::string& question,
                               std::int64_t limit);

/// Dynamic masking (MQuAKE-Remastered): the pool without facts that give a hop of the case's own
/// chain another object. The case's own edits are never removed. Looks at golds, and is therefore
/// the evaluator's work, never a method's.
std::vector<Fact> without_contradictions(const std::vector<Fact>& pool, const Case& of);

/// One sentence for reports.
inline constexpr const char* kFactRule =
    "all facts of the pool while they fit in the prompt, else those whose subjects share most of "
    "their words with the question";

}  // namespace kedit::answering
