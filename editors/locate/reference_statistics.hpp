#pragma once

#include "editors/locate/moment_source.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kedit::locate {

/// Names under which the reference programs keep a model's statistics: ROME and MEMIT its full name
/// with "/" as "_", EasyEdit and AlphaEdit the last part. The name is `_name_or_path` of its
/// config.json, what a download cache calls it, and the name of its directory.
std::vector<std::string> reference_model_names(const Model& model);

/// "DIRECTORY/MODEL/CORPUS_stats/MODULE_DTYPE_mom2_SAMPLES.npz" of ROME's `layer_stats`, with "*"
/// for the model: what is looked for.
std::string reference_statistics_name(const Model& model, std::int64_t layer,
                                      const MomentSource& source);

/// That file in `source.directory` under any of the model's names; `source.dataset` names the
/// corpus (wikipedia, where it names none). Nothing when there is none.
std::optional<std::filesystem::path> find_reference_statistics(const Model& model,
                                                               std::int64_t layer,
                                                               const MomentSource& source);

}  // namespace kedit::locate
