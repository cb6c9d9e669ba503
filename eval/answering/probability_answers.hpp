#pragma once

#include "eval/answering/answerers.hpp"

namespace kedit {

/// Both objects of a CounterFact record forced after its edited prompt, its paraphrases and its
/// neighbours; with `facts`, as statements below a block of them. Throws `EvalError` for a case of
/// another source.
CounterFactOutputs ask_counterfact(const LanguageModel& model, const PromptForm& form,
                                   const MquakeCase& record, const FactChooser& facts);

/// The answer of a zsRE record forced after its question, its paraphrase and an unrelated question.
ZsreOutputs ask_zsre(const LanguageModel& model, const PromptForm& form, const MquakeCase& record,
                     const FactChooser& facts);

}  // namespace kedit
