#pragma once

#include "eval/runner/run.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <vector>

namespace kedit::runner {

/// What a run says of itself before any answer: model, data, protocol with its hashes, prompts,
/// systems with the settings in effect, and how texts are sampled and judged where they are
/// (`free_text` may be null). Throws `SetupError` for an editor that could not edit the
/// model.
Json bench_header(const BenchConfig& config, const BenchInputs& inputs, const PromptForm& prompts,
                  const std::vector<CaseGroup>& groups,
                  const answering::FreeTextAsker* free_text = nullptr);

/// A run goes on only on the very model, data and prompts that it began with: throws `EvalError`
/// naming the part that differs.
void check_same_header(const RunRecord& record, const Json& header);

std::int64_t count_cases(const std::vector<CaseGroup>& groups);

}  // namespace kedit::runner
