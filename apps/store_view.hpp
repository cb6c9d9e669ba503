#pragma once

#include "apps/command.hpp"
#include "store/claims.hpp"
#include "store/store.hpp"

#include <string>
#include <vector>

namespace kedit::cli {

/// Free text of a store may come from anywhere: it must not drive the terminal.
std::string printable(std::string text);
/// All texts of it.
EditRecord printable(EditRecord record);

/// One edit as `kedit store log` gives it.
Json json_of(const EditRecord& record);
/// "Subject -> new target", printable.
std::string change_text(const EditRecord& record);

/// One conflict with its evidence; and all of them as lines, the gravest first.
Json json_of(const Conflict& conflict);
std::string lines_of(const std::vector<Conflict>& conflicts, const Style& style);

// The subcommands of apps/store_branches.cpp and apps/store_conflicts.cpp.
std::vector<Command> store_branch_commands();
std::vector<Command> store_conflict_commands();
Command store_gc_command();

}  // namespace kedit::cli
