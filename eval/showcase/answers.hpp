#pragma once

#include "eval/showcase/famous_facts.hpp"
#include "model/edited_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit::showcase {

/// What a model says to some prompts.
struct Said {
  at::Tensor probabilities;  ///< [prompts, vocab] float32, CPU: of the token that comes next
  std::vector<std::string> written;  ///< What it writes (greedily), one line.
};

/// Asks all prompts. Facts of mounted edits stand in the prompt as the evaluator puts them there
/// (`choose_facts`).
Said ask(const EditedModel& model, const std::vector<ShownPrompt>& prompts);

/// A token that may come next, and how probable each system finds it.
struct Candidate {
  std::string token;                ///< For people: without the blank before it.
  std::vector<double> probability;  ///< By system.
};

/// One system's answer to one prompt.
struct SystemAnswer {
  std::string written;
  std::string top;                   ///< The most probable token.
  double before = 0.0, after = 0.0;  ///< Probabilities of the first tokens of both answers.
  /// Neighbours: the most probable token is the one it was before the edit. Others: the new answer
  /// is more probable than the old one.
  bool as_wished = false;
};

struct PromptResult {
  ShownPrompt prompt;
  std::vector<SystemAnswer> answers;  ///< By system.
  /// The first tokens of both answers and the most probable ones of each system, five at most, most
  /// probable first.
  std::vector<Candidate> candidates;
};

/// Puts what the systems said side by side; the first one is the model as it was.
std::vector<PromptResult> compare(const Model& model, const std::vector<ShownPrompt>& prompts,
                                  const std::vector<Said>& systems);

/// An editor's work on a fact.
struct ShownEdit {
  std::string editor;
  std::string id;
  double seconds = 0.0;
  Json settings;                      ///< Null for none.
  std::int64_t steps = 0;             ///< Of an optimisation.
  std::optional<double> probability;  ///< Of the whole target when it ended.
  std::string fault;                  ///< Of an edit that fails its health check; empty: none.
};

/// A fact, edited by several editors, each on the model as it was.
struct EditedFact {
  FamousFact fact;
  std::vector<ShownEdit> edits;  ///< One fewer than there are systems: none made the first.
  std::vector<PromptResult> results;
};

/// How many prompts of a group there are, and how many answers of a system are as wished.
struct Count {
  std::int64_t right = 0, of = 0;
};
Count count(const std::vector<PromptResult>& results, Group group, std::size_t system);

/// What the numbers of a system say, in one or two sentences, with what moved that should not have.
std::string caption(const EditedFact& fact, std::size_t system);

}  // namespace kedit::showcase
