#pragma once

#include "datasets/case.hpp"
#include "eval/metrics/transcripts.hpp"
#include "json/json.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// What the ROME and MEMIT harness says about generated texts. Not a number: computed, but without
/// a value, as of texts that share no word with any snippet.
struct TextScores {
  std::optional<double> ngram_entropy;    ///< Fluency (GE): mean over the texts, bits.
  std::optional<double> reference_score;  ///< Consistency (RS): TF-IDF cosine with the snippets.
  std::optional<double> essence_score;    ///< Perplexity of snippets about the subject.

  bool operator==(const TextScores&) const = default;
};

/// How a system was asked a prompt.
enum class OutputKind {
  answer,    ///< In words, at once.
  thoughts,  ///< In words, with thoughts before the answer.
  probe,     ///< In words, at most ten tokens (H-Probe).
  recall,    ///< In words, of the unedited model: what it knew.
  forced,    ///< The prompt's gold under teacher forcing.
  rival,     ///< The prompt's rival under teacher forcing.
  text,      ///< Free text that begins with the prompt, sampled; `raw` holds all of it.
};
/// The names under which outputs are stored.
inline constexpr std::array<std::pair<OutputKind, std::string_view>, 7> kOutputKinds = {{
    {OutputKind::answer, "answer"},
    {OutputKind::thoughts, "thoughts"},
    {OutputKind::probe, "probe"},
    {OutputKind::recall, "recall"},
    {OutputKind::forced, "forced"},
    {OutputKind::rival, "rival"},
    {OutputKind::text, "text"},
}};
constexpr bool is_forced(OutputKind kind) {
  return kind == OutputKind::forced || kind == OutputKind::rival;
}

/// What came back for one prompt.
struct Output {
  std::size_t prompt = 0;  ///< Index into the case's prompts.
  OutputKind kind = OutputKind::answer;
  Answer said{};         ///< Of kinds in words.
  ForcedScore forced{};  ///< Of the others.
};

/// Everything one system said about one case, raw: metrics and rules are applied later, without a
/// model. A prompt without an output was not asked.
struct CaseOutputs {
  std::int64_t case_id = 0;
  std::int64_t group = 0;  ///< Number of its group in the run.
  std::vector<Output> outputs;
  std::vector<NeighbourOutput> neighbours;  ///< Prompts that come from the file, not the case.
  TextScores texts{};                       ///< Of the outputs of kind text, as they were made.
  std::vector<std::string> edit_ids;        ///< Edits in the store that were mounted.
  std::string failure;                      ///< Why edits could not be made; empty when all were.
  double edit_seconds = 0.0;                ///< Of the whole group's edits.
  double answer_seconds = 0.0;
};

/// Null when this prompt was not asked so.
const Output* find_output(const CaseOutputs& outputs, std::size_t prompt, OutputKind kind);
/// In order of places; prompts that were not asked so are left out.
std::vector<const Output*> outputs_of(const CaseOutputs& outputs, const Case& of, PromptKind prompt,
                                      OutputKind kind);

/// Adds outputs to the first prompts of a kind, in their order. `what` names the list. Throws
/// `EvalError` when there are more than the case has prompts.
void add_outputs(const Case& of, PromptKind prompt, OutputKind kind, std::string_view what,
                 std::vector<Answer> said, CaseOutputs* outputs);
void add_outputs(const Case& of, PromptKind prompt, OutputKind kind, std::string_view what,
                 const std::vector<ForcedScore>& scores, CaseOutputs* outputs);

Json to_json(const CaseOutputs& outputs, const Case& of);
/// Reads what this version writes and what earlier ones wrote. Throws `EvalError` for anything
/// else.
CaseOutputs case_outputs_from_json(const std::string& text, const Case& of);

}  // namespace kedit
