#pragma once

#include "datasets/mquake.hpp"
#include "eval/transcripts.hpp"
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

/// Teacher forcing of an edit's new object after its cloze.
struct ForcedScore {
  bool recalled = false;  ///< Every token of the object is the most probable one.
  double logprob = 0.0;   ///< Of the whole object, natural logarithm.
};

/// Everything one system said about one case, raw: metrics and rules are applied later, without a
/// model. Vectors run parallel to the case's rewrites, post-edit hops and questions; empty means
/// that the form was not asked.
struct CaseOutputs {
  std::int64_t case_id = 0;
  std::int64_t group = 0;             ///< Number of its group in the run.
  std::vector<Answer> edits;          ///< Cloze of each edit, no exemplars.
  std::vector<ForcedScore> forced;    ///< The same, teacher-forced.
  std::vector<Answer> hops;           ///< Post chain: edited hops by cloze, others by question.
  std::vector<Answer> direct;         ///< Each multi-hop question, answered at once.
  std::vector<Answer> cot;            ///< The same with thoughts.
  std::vector<std::string> edit_ids;  ///< Edits in the store that were mounted.
  std::string failure;                ///< Why edits could not be made; empty when all were.
  double edit_seconds = 0.0;          ///< Of the whole group's edits.
  double answer_seconds = 0.0;
};

Json to_json(const CaseOutputs& outputs);
/// Throws `EvalError` when the text is not what `to_json` writes.
CaseOutputs case_outputs_from_json(const std::string& text);

/// One case as the evaluator keeps it beside results, so that reports need no dataset file.
Json case_to_json(const MquakeCase& mquake_case);
MquakeCase case_from_json(const std::string& text);

}  // namespace kedit
