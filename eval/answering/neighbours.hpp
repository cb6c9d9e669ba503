#pragma once

#include "datasets/case.hpp"
#include "eval/answering/answerers.hpp"
#include "eval/answering/prompts.hpp"
#include "eval/metrics/outputs.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kedit::answering {

/// A fact about the world, on some chain of a file and not the result of an edit.
struct ChainFact {
  std::string subject, relation, object;  ///< Ids.
  std::string label;                      ///< Of the subject.
  std::string cloze, question;
  Gold gold;  ///< The object.
};

/// The facts of a file by subject, and what its cases edit.
class ChainFacts {
 public:
  ChainFacts() = default;
  /// Facts on any chain that are not results of an edit.
  explicit ChainFacts(const std::vector<Case>& cases);

  std::int64_t size() const;          ///< Distinct (subject, relation).
  std::int64_t never_edited() const;  ///< Those that no case edits.
  bool edited(const std::string& subject, const std::string& relation) const;
  /// Facts of the edit's subject under other relations, in order of relation ids.
  std::vector<const ChainFact*> neighbours(const Triple& edit) const;

 private:
  std::map<std::string, std::map<std::string, ChainFact>> by_subject_;  // then by relation
  std::set<std::pair<std::string, std::string>> edited_;
};

/// Asks systems about the neighbours of a case's edits, before (of the unedited model, once however
/// many cases need it) and after. `base` and `form` must outlive it.
class NeighbourAsker {
 public:
  NeighbourAsker(const std::vector<Case>& file, const LanguageModel& base, const PromptForm& form);

  /// Fills `outputs->neighbours`; `facts` chooses what an in-context system shows.
  void ask(const LanguageModel& model, const Case& one, const FactChooser& facts,
           CaseOutputs* outputs);

 private:
  struct Before {
    Answer cloze, question;
    ForcedScore gold;
    std::string kept;  ///< First content token among the 20 most probable; empty: none.
  };
  const Before& before(const ChainFact& fact);

  ChainFacts facts_;
  const LanguageModel& base_;
  const PromptForm& form_;
  std::map<std::pair<std::string, std::string>, Before> before_;
};

/// True for a token that says something: letters or digits, and no English function word.
bool is_content_token(const std::string& token);

}  // namespace kedit::answering
