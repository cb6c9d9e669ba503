#pragma once

#include "apps/command.hpp"
#include "eval/runner/run.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace kedit::cli {

/// Where a run's results go, what part of it this process does, and what it starts from.
struct Place {
  std::filesystem::path store;
  runner::Shard shard{};
  std::optional<std::string> branch{}, edits{};  ///< Of the command line.
};

/// "kedit.db" -> "kedit.db.2-of-4": every process has a store of its own, for SQLite knows one
/// writer.
std::filesystem::path shard_store(const std::filesystem::path& store, const runner::Shard& shard);

/// Loads model, edits to start from and data of a configuration. Full ids of the edits become part
/// of `config`, so that a resumed run starts from the same model.
runner::BenchInputs open_inputs(Context& context, runner::BenchConfig& config, const Place& place);

}  // namespace kedit::cli
