#pragma once

#include "eval/metrics/outputs.hpp"
#include "json/json.hpp"

namespace kedit::metrics {

/// Reads results as they were stored before they had a version: one list per way of asking, and an
/// object per format of CounterFact and zsRE. Fills `outputs->outputs`. Throws `JsonError` or
/// `EvalError`.
void read_old_outputs(const JsonView& view, const Case& of, CaseOutputs* outputs);

/// Probabilities of a case's rewrite, paraphrase and locality prompts as recorded predictions and
/// old results hold them: {"rewrite": pair, "paraphrase": pair or [pairs], "neighborhood" or
/// "specificity": the same}; a pair is [NLL of the edit's object, NLL of the true one] per token
/// where the prompt has a rival, else [tokens right, tokens]. Throws `JsonError` naming the field,
/// `EvalError` for more pairs than the case has prompts.
void read_probabilities(const JsonView& view, const Case& of, CaseOutputs* outputs);

/// [tokens right, tokens]; throws `JsonError`.
ForcedScore tokens_from(const JsonView& pair);

}  // namespace kedit::metrics
