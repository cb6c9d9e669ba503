#pragma once

#include <filesystem>
#include <optional>

namespace kedit {

/// $KEDIT_CACHE, else $XDG_CACHE_HOME/kedit, else ~/.cache/kedit. Nothing where none of these is
/// set.
std::optional<std::filesystem::path> own_cache_directory();

/// The same, else kedit below the temporary directory, where others may write: only for what is
/// checked again when it is read.
std::filesystem::path cache_directory();

}  // namespace kedit
