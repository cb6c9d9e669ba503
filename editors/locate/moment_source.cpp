#include "editors/locate/moment_source.hpp"

#include "editors/editor.hpp"

#include <fmt/format.h>

namespace kedit::locate {
namespace {

SecondMoment from_corpus(const Model& model, std::int64_t layer, const MomentSource& source,
                         const RunContext& run) {
  const Corpus corpus = read_corpus(source.dataset);
  const MomentOptions options{source.samples, source.dtype};
  return cached_second_moments(model, {layer}, corpus, options, MomentCache(), run).at(layer);
}

SecondMoment from_cache(const Model& model, std::int64_t layer) {
  const auto files = MomentCache().files(moment_owner(model), layer);
  if (files.size() == 1)
    return read_second_moment(files.front(), model.architecture().intermediate);
  if (files.empty()) {
    throw EditError(fmt::format(
        "finding the key statistics of layer {0}: none are cached for this model; run kedit stats "
        "--layers {0} --corpus FILE, name a file with second_moment, or set mom2_adjustment=false",
        layer));
  }
  throw EditError(fmt::format(
      "finding the key statistics of layer {}: expected one cached corpus, found {}; choose with "
      "mom2_dataset=FILE (the corpus) or second_moment (the statistics)",
      layer, files.size()));
}

}  // namespace

SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run) {
  const auto given = source.files.find(layer);
  if (given != source.files.end()) {
    return read_second_moment(given->second, model.architecture().intermediate);
  }
  if (!source.dataset.empty() && std::filesystem::is_regular_file(source.dataset)) {
    return from_corpus(model, layer, source, run);
  }
  return from_cache(model, layer);
}

MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run) {
  if (!source.adjustment) return MomentFactor::identity();
  return MomentFactor::factorise(find_second_moment(model, layer, source, run).matrix,
                                 source.ridge);
}

}  // namespace kedit::locate
