#pragma once

#include "editors/locate/closed_form.hpp"
#include "editors/locate/second_moment.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kedit::locate {

/// Where the second moment of a layer comes from.
struct MomentSource {
  bool adjustment = true;  ///< mom2_adjustment: false replaces C by the identity (EasyEdit)
  double ridge = 0.0;      ///< mom2_ridge (kedit's own): times the mean diagonal of C, added to it
  std::string dataset;     ///< mom2_dataset: a text file, one text a line, self:TOKENS, or a name
  std::int64_t samples = 100000;                        ///< mom2_n_samples
  std::int64_t tokens = 0;                              ///< mom2_n_tokens (kedit's own); 0: all
  std::string dtype = "float32";                        ///< mom2_dtype
  std::map<std::int64_t, std::filesystem::path> files;  ///< second_moment, by layer
  std::filesystem::path directory;                      ///< stats_dir of the reference programs
  bool collect = false;              ///< stats: "auto" collects what is missing; else it is refused
  std::vector<std::int64_t> layers;  ///< of the edit: what is missing is collected in one pass
};

/// The second moment that the settings name for a layer: the file given; else the reference
/// programs' file in `directory`; else the cache, for the corpus given (`mom2_dataset` as a text
/// file, or text that the model sampled) or for the only corpus that statistics exist for. What the
/// cache lacks of all `layers` is collected with progress where `collect` allows it; else a
/// `StatisticsError` says what is missing, what it costs and which command gets it.
SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run);

/// Throws the `StatisticsError` that `find_second_moment` would throw for want of a file, without
/// reading one: what an edit needs is there, or named as absent before the first one.
void check_second_moment(const Model& model, std::int64_t layer, const MomentSource& source);

/// The factor a layer's solves use; the identity without `mom2_adjustment`.
MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run);

}  // namespace kedit::locate
