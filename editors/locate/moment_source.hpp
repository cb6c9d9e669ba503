#pragma once

#include "editors/locate/closed_form.hpp"
#include "editors/locate/second_moment.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace kedit::locate {

/// Where the second moment of a layer comes from.
struct MomentSource {
  bool adjustment = true;  ///< mom2_adjustment: false replaces C by the identity (EasyEdit)
  double ridge = 0.0;      ///< mom2_ridge (kedit's own): times the mean diagonal of C, added to it
  std::string dataset;     ///< mom2_dataset: a text file, one text a line, self:TOKENS, or a name
  std::int64_t samples = 100000;                        ///< mom2_n_samples
  std::string dtype = "float32";                        ///< mom2_dtype
  std::map<std::int64_t, std::filesystem::path> files;  ///< second_moment, by layer
};

/// The second moment that the settings name for a layer: the file given; else the cache, for the
/// corpus given (`mom2_dataset` as a text file, or text that the model sampled: collected with
/// progress if it is not cached yet) or for the only corpus that statistics exist for. Throws
/// `StatisticsError` that names `kedit stats` when there are none: statistics are never collected
/// silently.
SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run);

/// Throws the `StatisticsError` that `find_second_moment` would throw for want of a file, without
/// reading one: what an edit needs is there, or named as absent before the first one.
void check_second_moment(const Model& model, std::int64_t layer, const MomentSource& source);

/// The factor a layer's solves use; the identity without `mom2_adjustment`.
MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run);

}  // namespace kedit::locate
