#pragma once

#include "datasets/case.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/metrics/outputs.hpp"
#include "model/language_model.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kedit::answering {

/// The facts that are shown with a question; empty for systems that show none.
using FactChooser = std::function<std::vector<Fact>(const std::string& question)>;

/// What is asked besides the four ways of asking; each costs model calls of its own.
struct FurtherAsks {
  bool probe = false;        ///< Every post-edit hop alone, for H-Probe.
  bool recall = false;       ///< Every hop, of the unedited model only.
  bool specificity = false;  ///< Other facts of the edited subjects, for R-Specificity.
  bool tokens = false;       ///< The new answer forced after each question, for rule M6.

  bool operator==(const FurtherAsks&) const = default;
};

/// Name in configurations, and what it means.
struct FurtherAskInfo {
  const char* name;
  bool FurtherAsks::*wanted;
  const char* definition;
};
const std::vector<FurtherAskInfo>& known_further_asks();

/// What is asked of every system.
struct AskPlan {
  std::set<Ask> asks = {Ask::cloze, Ask::question, Ask::direct, Ask::cot};
  std::vector<std::string> clozes;  ///< Statement templates, to read chains of thought.
  FurtherAsks further{};
};

/// A prompt of a case as it is put to a system that answers in words.
struct AskedPrompt {
  std::size_t prompt = 0;  ///< Index into the case's prompts.
  OutputKind kind = OutputKind::answer;
  Question question;
};

/// What the plan asks in words about one case: edits, hops, questions at once, questions with
/// thoughts. A hop is asked by its cloze when it is edited, by its question otherwise; a hop whose
/// way of asking is not in the plan makes instance-wise questions impossible, and none are asked.
std::vector<AskedPrompt> questions_of(const Case& one, const AskPlan& plan,
                                      const FactChooser& facts);

/// Asks a language model, all questions of a case in as few batches as their lengths allow. The
/// golds of edits are forced after their clozes, and prompts that are judged by probabilities are
/// always asked: their golds and rivals are forced, with `facts` as statements above them.
CaseOutputs ask_case(const LanguageModel& model, const PromptForm& form, const Case& one,
                     const AskPlan& plan, const FactChooser& facts);

/// A case, and the facts that are shown with its questions.
struct AskedCase {
  const Case* of = nullptr;
  FactChooser facts{};
};
/// The same of many cases together, in their order: larger batches, equal outputs.
std::vector<CaseOutputs> ask_cases(const LanguageModel& model, const PromptForm& form,
                                   const std::vector<AskedCase>& cases, const AskPlan& plan);

/// What the model knows of a case's hops, each asked once by question however many cases share it.
/// One object serves a whole run; `model` and `form` must outlive it.
class RecallAsker {
 public:
  RecallAsker(const LanguageModel& model, const PromptForm& form) : model_(model), form_(form) {}
  /// Adds outputs of kind recall: every old hop, and every hop after the edits that no edit makes.
  void ask(const Case& one, CaseOutputs* outputs);

 private:
  std::vector<Answer> answers(const std::vector<Question>& questions);

  const LanguageModel& model_;
  const PromptForm& form_;
  std::map<std::string, Answer> known_;  // by prompt
};

ForcedScore forced_score(const ContinuationScore& score);

/// A control that reads nothing but its prompt: every question is answered with the object of the
/// last fact that an in-context prompt would show. What it scores is what guessing from the edits
/// gives.
CaseOutputs copy_last_edit(const Case& one, const AskPlan& plan, const FactChooser& facts);

}  // namespace kedit::answering
