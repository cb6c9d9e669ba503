#pragma once

#include "datasets/case.hpp"
#include "edits/progress.hpp"
#include "eval/answering/prompts.hpp"
#include "model/language_model.hpp"

#include <cstdint>
#include <vector>

namespace kedit::answering {

/// Ids of the cases whose facts before the edits a model knows, in their order. Records with a true
/// object (CounterFact): greedy decoding writes it after the edited prompt. Cases with a chain
/// (MQuAKE's filter): every hop before the edits, asked alone by question with exemplars, is
/// answered with its gold, byte for byte. Throws `EvalError` for cases that have neither, and
/// `Interrupted` when a stop is requested.
std::vector<std::int64_t> recalled_cases(const std::vector<const Case*>& cases,
                                         const LanguageModel& model, const PromptForm& form,
                                         const RunContext& run);

}  // namespace kedit::answering
