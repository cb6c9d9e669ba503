#pragma once

#include "edits/progress.hpp"
#include "model/edited_model.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kedit::locate {

/// Texts with one "{}" each, into which prompts are put so that the edit does not depend on
/// standing at the beginning (ROME, section 3.1: "x_j + p"). The first is the prompt's bare form:
/// "{}", or " {}" for a model whose training texts begin with a blank.
using ContextTemplates = std::vector<std::string>;

/// How many prefixes of which total length (ROME's `context_template_length_params`).
struct ContextPlan {
  /// (length in tokens with the start token, count); ROME: ten of 5 and ten of 10.
  std::vector<std::pair<std::int64_t, std::int64_t>> lengths{{5, 10}, {10, 10}};
  bool from_words = false;  ///< from start words even where there is an end-of-text token (MEMIT)
};

/// "{}" and one "x. {}" per sampled prefix x, drawn by the *base* model (edits that are mounted
/// play no part) from its end-of-text token: top-k 5, temperature 1, no stop at end of text. Where
/// the plan says so, or the tokenizer has no such token, they start from "The", "Therefore",
/// "Because", "I", "You" in turn (MEMIT, EasyEdit). Decoded, NFKD, double newlines and braces
/// become blanks, end-of-text markers are dropped. Deterministic in `run.seed`.
ContextTemplates generate_context_templates(const EditedModel& model, const ContextPlan& plan,
                                            const RunContext& run);

/// The same from the cache, where they are kept by model, plan and seed: sampling them takes as
/// long as a small edit. A cache that cannot be written is passed over.
ContextTemplates cached_context_templates(const EditedModel& model, const ContextPlan& plan,
                                          const RunContext& run);

/// Throws `EditError` naming the template that does not hold "{}" exactly once, or an empty list.
void check_context_templates(const ContextTemplates& templates);

/// What sampled text becomes before it serves as a prefix.
std::string clean_prefix(std::string text);

}  // namespace kedit::locate
