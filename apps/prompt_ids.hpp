#pragma once

#include "apps/command.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace kedit::cli {

using Ids = std::vector<std::int64_t>;

/// Ids that came with an option: none at all, one outside the vocabulary, or more than the model's
/// position table holds are a fault of the command line (`UsageError`).
void check_ids(const Architecture& architecture, const Ids& ids, std::string_view option);

/// The ids of prompts from --prompt or, with exit code 3 for a wrong one, from the file --prompts;
/// under --chat as the model's chat template writes them, which adds the special tokens itself.
std::vector<Ids> ids_of_prompts(const Context& context, const EditedModel& model,
                                const std::vector<std::string>& prompts);

void warn_beyond_positions(Context& context, const Architecture& architecture, std::int64_t tokens);

/// "FILE: record N", for messages about a record of a file, counted from 0.
std::string record_name(const std::filesystem::path& file, std::size_t record);

}  // namespace kedit::cli
