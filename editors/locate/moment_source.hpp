#pragma once

#include "editors/locate/closed_form.hpp"
#include "editors/locate/rome_settings.hpp"
#include "editors/locate/second_moment.hpp"

#include <cstdint>

namespace kedit::locate {

/// The second moment that the settings name for a layer: the file given; else the cache, for the
/// corpus given (`mom2_dataset` as a text file: collected with progress if it is not cached yet) or
/// for the only corpus that statistics exist for. Throws `EditError` that names `kedit stats` when
/// there are none: statistics are never collected silently.
SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run);

/// The factor a layer's solves use; the identity without `mom2_adjustment`.
MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run);

}  // namespace kedit::locate
