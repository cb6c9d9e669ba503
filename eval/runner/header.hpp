#pragma once

#include "eval/runner/run.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <vector>

namespace kedit {

/// What a run says of itself before any answer: model, data, protocol with its hashes, prompts.
Json bench_header(const BenchConfig& config, const BenchInputs& inputs, const PromptForm& prompts,
                  const std::vector<CaseGroup>& groups);

/// `SystemInfo` of every editor and control.
Json system_infos(const BenchConfig& config);

/// A run goes on only on the very model, data and prompts that it began with: throws `EvalError`
/// naming the part that differs.
void check_same_header(const RunRecord& record, const Json& header);

std::int64_t count_cases(const std::vector<CaseGroup>& groups);

}  // namespace kedit
