#pragma once

#include "apps/command.hpp"

#include <filesystem>
#include <memory>

namespace kedit::cli {

/// A model as its files have it, on the CPU, each weight of its own type: to be written or
/// compared, not to run. For commands with --allow-nonfinite.
std::shared_ptr<const Model> load_as_stored(Context& context, const std::filesystem::path& path);

}  // namespace kedit::cli
