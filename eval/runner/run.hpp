#pragma once

#include "eval/runner/config.hpp"
#include "eval/runner/system.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kedit::runner {

/// The row of a run that holds no case's outputs: the cases themselves, so that a report needs the
/// store alone. A run's `done` does not count rows whose name begins with "@".
inline constexpr const char* kCasesRow = "@cases";

struct BenchInputs {
  std::shared_ptr<const Model> model;
  Dataset dataset;  ///< The whole file; the configuration selects cases.
  /// The model with edits that stay mounted throughout the run; absent: as it is.
  std::optional<EditedModel> start{};
  /// Cases that are asked in one batch where nothing is edited in between: faster, the same
  /// outputs, and a killed run loses so many.
  std::int64_t together = 1;
};

/// The part of a run that one of several processes does: groups whose number leaves `rank` when
/// divided by `of`, in a store of its own. `merge_runs` joins the stores.
struct Shard {
  std::int64_t rank = 0;
  std::int64_t of = 1;
};

/// RANK and WORLD_SIZE (torchrun), else SLURM_PROCID and SLURM_NTASKS; one process where neither is
/// set. Throws `EvalError` for numbers that make no sense.
Shard shard_from_environment();

/// Joins the runs of one configuration that lie in several stores into `into`: edits, results and
/// the whole run's header. The joined run is what one process would have stored; it is unfinished
/// where cases are missing, and `run_bench` goes on with it. Returns its id. Throws `EvalError`
/// when the stores hold other configurations, models, data or protocols, or no run at all.
std::string merge_runs(const std::vector<std::filesystem::path>& stores, Store& into);

/// Throws `SetupError` where an editor of the configuration could not edit the model: a setting is
/// wrong, statistics are missing. `run_bench` does so as well, but callers may want to know before
/// they make a store.
void check_editors(const BenchConfig& config, const Model& model);

/// Runs the configuration to its end, or goes on with the unfinished run of the same configuration
/// in the store; returns the run's id. Every case's outputs are on disk before the next case is
/// asked, so a killed process loses at most the case in flight, and a resumed run ends with the
/// metrics of an uninterrupted one. Throws `Interrupted` after a stop request (state saved),
/// `EvalError` when an unfinished run of this configuration was made with another model or other
/// data, `SetupError` when an editor cannot edit the model, before the first case.
std::string run_bench(const BenchConfig& config, const BenchInputs& inputs, Store& store,
                      const RunContext& run, const Shard& shard = {});

/// The loop of a run over given systems; `run_bench` is this with the configuration's own. Groups
/// that are done are not entered. Tests and programs with systems of their own call it.
struct BenchLoop {
  std::string run_id;
  std::vector<CaseGroup> groups;
  std::vector<std::unique_ptr<System>> systems;
  std::int64_t together = 1;  ///< See `BenchInputs`.
};
void run_loop(BenchLoop& loop, Store& store, const RunContext& run);

/// Groups of a configuration over the selected cases.
std::vector<CaseGroup> bench_groups(const BenchConfig& config, const Dataset& dataset);

/// The prompts that a configuration asks for ("auto": lab prompts when the model's files say that
/// it is a lab model, few-shot ones otherwise).
PromptForm bench_prompts(const BenchConfig& config, const BenchInputs& inputs);

}  // namespace kedit::runner
