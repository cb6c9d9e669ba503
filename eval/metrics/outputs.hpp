#pragma once

#include "datasets/mquake.hpp"
#include "eval/metrics/transcripts.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kedit {

/// What a system said to one prompt: the text as it came, and the answer taken out of it.
struct Answer {
  std::string raw;
  std::optional<std::string> answer;  ///< Absent when the text states none; never "" for that.
  std::optional<Trace> trace;         ///< Where the answerer reasons in steps.

  bool operator==(const Answer&) const = default;
};

/// Teacher forcing of a text after a prompt.
struct ForcedScore {
  bool recalled = false;     ///< Every token of the text is the most probable one.
  double logprob = 0.0;      ///< Of the whole text, natural logarithm.
  std::int64_t tokens = 0;   ///< Of the text; 0 where an older program did not store it.
  std::int64_t matched = 0;  ///< Tokens that are the most probable ones where they stand.
  double lowest = 0.0;       ///< Log-probability of the least probable token.

  double mean_logprob() const {
    return tokens > 0 ? logprob / static_cast<double>(tokens) : logprob;
  }
};

/// What a system says about another fact of an edited subject, before and after the edits
/// (R-Specificity). Asked by cloze and by question; the forced scores stand after the cloze.
struct NeighbourOutput {
  std::int64_t edit = 0;        ///< Place of the edit in the case.
  std::string subject;          ///< Label.
  std::string relation;         ///< Of the other fact, "P36".
  Gold gold;                    ///< Its object.
  bool edited_by_case = false;  ///< The case itself edits this (subject, relation).
  bool edited_by_file = false;  ///< Some case of the file does.
  Answer cloze_before, cloze, question_before, question;
  ForcedScore gold_before, gold_after;  ///< The object of the other fact.
  ForcedScore target_after;             ///< The edit's new object in its place.
  std::optional<double> kept_after;     ///< Log-probability of the token that was kept in mind.
};

/// Mean negative log-likelihood per token of the two objects after a prompt. Length-normalised, so
/// that a long object is not worse for its length.
struct ObjectScores {
  double new_nll = 0.0;
  double true_nll = 0.0;
};

/// What a model gives to the prompts of one CounterFact record.
struct CounterFactOutputs {
  std::int64_t case_id = 0;
  ObjectScores rewrite;
  std::vector<ObjectScores> paraphrase;
  std::vector<ObjectScores> neighborhood;
};

/// Tokens of the wanted answer that are the most probable ones under teacher forcing.
struct ZsreOutputs {
  std::int64_t number = 0;
  ForcedScore rewrite, paraphrase, specificity;
};

/// Everything one system said about one case, raw: metrics and rules are applied later, without a
/// model. Vectors run parallel to the case's rewrites, post-edit hops and questions; empty means
/// that the form was not asked.
struct CaseOutputs {
  std::int64_t case_id = 0;
  std::int64_t group = 0;           ///< Number of its group in the run.
  std::vector<Answer> edits;        ///< Cloze of each edit, no exemplars.
  std::vector<ForcedScore> forced;  ///< The same, teacher-forced.
  std::vector<Answer> hops;         ///< Post chain: edited hops by cloze, others by question.
  std::vector<Answer> direct;       ///< Each multi-hop question, answered at once.
  std::vector<ForcedScore> direct_forced;  ///< The new answer, forced after each question.
  std::vector<Answer> cot;                 ///< The same with thoughts.
  std::vector<Answer> probe_clozes, probe_questions;  ///< Every post-edit hop alone, both ways.
  std::vector<Answer> recall;      ///< Every pre-edit hop by question: what the model knows.
  std::vector<Answer> recall_new;  ///< The same for post-edit hops; edited ones are not asked.
  std::vector<NeighbourOutput> neighbours;
  std::optional<CounterFactOutputs> counterfact;  ///< Of a CounterFact record.
  std::optional<ZsreOutputs> zsre;                ///< Of a zsRE record.
  std::vector<std::string> edit_ids;              ///< Edits in the store that were mounted.
  std::string failure;        ///< Why edits could not be made; empty when all were.
  double edit_seconds = 0.0;  ///< Of the whole group's edits.
  double answer_seconds = 0.0;
};

Json to_json(const CaseOutputs& outputs);
/// Throws `EvalError` when the text is not what `to_json` writes.
CaseOutputs case_outputs_from_json(const std::string& text);

}  // namespace kedit
