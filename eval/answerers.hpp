#pragma once

#include "datasets/mquake.hpp"
#include "eval/outputs.hpp"
#include "eval/prompts.hpp"
#include "model/language_model.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace kedit {

/// The facts that are shown with a question; empty for systems that show none.
using FactChooser = std::function<std::vector<Fact>(const std::string& question)>;

/// What is asked of every system.
struct AskPlan {
  std::set<Ask> asks = {Ask::cloze, Ask::question, Ask::direct, Ask::cot};
  std::vector<std::string> clozes;  ///< Statement templates, to read chains of thought.
};

/// Everything that is asked about one case, in the parallel order of `CaseOutputs`. A hop is asked
/// by its cloze when it is edited, by its question otherwise; a hop whose way of asking is not in
/// the plan makes instance-wise questions impossible, and none are asked.
struct CaseQuestions {
  std::vector<Question> edits, hops, direct, cot;
  std::vector<std::string> forced_targets;  ///< After the clozes of `edits`.
};
CaseQuestions questions_of(const MquakeCase& mquake_case, const AskPlan& plan,
                           const FactChooser& facts);

/// Asks a language model, all questions of a case in as few batches as their lengths allow.
CaseOutputs ask_case(const LanguageModel& model, const PromptForm& form,
                     const MquakeCase& mquake_case, const AskPlan& plan, const FactChooser& facts);

/// A control that reads nothing but its prompt: every question is answered with the object of the
/// last fact that an in-context prompt would show. What it scores is what guessing from the edits
/// gives.
CaseOutputs copy_last_edit(const MquakeCase& mquake_case, const AskPlan& plan,
                           const FactChooser& facts);

}  // namespace kedit
