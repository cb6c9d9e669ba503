#pragma once

#include "eval/bench_config.hpp"
#include "eval/system.hpp"
#include "store/store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kedit {

/// Rows of a run that hold no case's outputs: the cases themselves, so that a report needs the
/// store alone. A run's `done` counts this row too.
inline constexpr const char* kCasesRow = "@cases";

/// Cases evaluated so far, without the row of cases.
std::int64_t answered_cases(const RunRecord& record);

struct BenchInputs {
  std::shared_ptr<const Model> model;
  MquakeDataset dataset;  ///< The whole file; the configuration selects cases.
};

/// Runs the configuration to its end, or goes on with the unfinished run of the same configuration
/// in the store; returns the run's id. Every case's outputs are on disk before the next case is
/// asked, so a killed process loses at most the case in flight, and a resumed run ends with the
/// metrics of an uninterrupted one. Throws `Interrupted` after a stop request (state saved),
/// `EvalError` when an unfinished run of this configuration was made with another model or other
/// data.
std::string run_bench(const BenchConfig& config, const BenchInputs& inputs, Store& store,
                      const RunContext& run);

/// The loop of a run over given systems; `run_bench` is this with the configuration's own. Groups
/// that are done are not entered. Tests and programs with systems of their own call it.
struct BenchLoop {
  std::string run_id;
  std::vector<CaseGroup> groups;
  std::vector<std::unique_ptr<System>> systems;
};
void run_loop(BenchLoop& loop, Store& store, const RunContext& run);

/// Groups of a configuration over the selected cases.
std::vector<CaseGroup> bench_groups(const BenchConfig& config, const MquakeDataset& dataset);

/// The prompts that a configuration asks for ("auto": lab prompts when the model's files say that
/// it is a lab model, few-shot ones otherwise).
PromptForm bench_prompts(const BenchConfig& config, const BenchInputs& inputs);

}  // namespace kedit
