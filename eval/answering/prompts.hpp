#pragma once

#include "datasets/case.hpp"
#include "edits/fact.hpp"
#include "eval/metrics/outputs.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit {

/// The four ways of asking.
enum class Ask {
  cloze,     ///< A statement to be completed, no exemplars.
  question,  ///< A single-hop question (exemplars of its relation where the form has some).
  direct,    ///< A multi-hop question, answered at once.
  cot,       ///< A multi-hop question, thoughts first.
};
const char* to_string(Ask ask);
/// Throws `EvalError` with the known names.
Ask parse_ask(std::string_view name);

/// How one way of asking is written. In the texts "{exemplars}", "{facts}" and "{text}" are
/// replaced.
struct AskForm {
  std::string plain;       ///< Without facts in the prompt.
  std::string with_facts;  ///< With a facts block.
  std::int64_t max_tokens = 16;
  std::vector<std::string> stop;
};

/// A worked example that stands before the question. It is left out when a chain of the file under
/// test contains one of the (subject, relation) pairs that it tells.
struct Exemplar {
  Ask ask = Ask::direct;
  std::string relation;  ///< For `Ask::question`; empty otherwise.
  bool with_facts = false;
  std::string text;  ///< With its blank line after it.
  std::vector<std::pair<std::string, std::string>> tells;
};

/// A versioned set of prompts. Plain data, so that its hash names every byte that models are shown.
struct PromptForm {
  std::string name;  ///< "lab", "few-shot"
  std::string version;
  AskForm cloze, question, direct, cot;
  std::vector<Exemplar> exemplars;
  std::int64_t max_facts = 4;  ///< At most so many facts in one block.
};

/// Zero-shot, in the forms of the lab corpus.
PromptForm lab_prompts();
/// For ordinary pretrained models: own exemplars, without those that `under_test` contains.
PromptForm few_shot_prompts(const std::vector<Case>& under_test);
/// "lab" or "few-shot"; throws `EvalError`.
PromptForm prompt_form(std::string_view name, const std::vector<Case>& under_test);

/// SHA-256 of the form's canonical JSON: stands in every report.
std::string prompt_hash(const PromptForm& form);

/// What is asked, before it is written as a prompt.
struct Question {
  Ask ask = Ask::direct;
  std::string text;         ///< Question, or statement to be completed.
  std::string relation;     ///< Of a single-hop question.
  std::vector<Fact> facts;  ///< Shown in the prompt, in this order.
};

std::string write_prompt(const PromptForm& form, const Question& question);
GenerateOptions generation_options(const PromptForm& form, Ask ask);

/// The answer in what a model wrote: clozes to the end of the sentence, questions to the end of the
/// line, thoughts after the last "Answer:" (with their trace). Blanks around it go.
Answer take_answer(Ask ask, const std::string& raw, const std::vector<std::string>& clozes);

/// Few-shot exemplars (own facts, our own wording).
std::vector<Exemplar> few_shot_exemplars();

}  // namespace kedit
