#include "editors/locate/moment_source.hpp"

#include "editors/editor.hpp"
#include "editors/locate/self_corpus.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace kedit::locate {
namespace {

// Sampling takes minutes, so it is never done for an edit.
Corpus kept_text(const Model& model, std::int64_t layer, const SelfCorpus& wanted) {
  auto kept = kept_self_corpus(model, wanted, cache_directory());
  if (kept) return *std::move(kept);
  throw StatisticsError(fmt::format(
      "finding the key statistics of layer {0}: no text of this model, {1}, was sampled yet; run "
      "kedit stats --layers {0} --corpus {1}",
      layer, wanted.name()));
}

SecondMoment from_corpus(const Model& model, std::int64_t layer, const MomentSource& source,
                         const RunContext& run) {
  const auto own = SelfCorpus::parse(source.dataset);
  const Corpus corpus = own ? kept_text(model, layer, *own) : read_corpus(source.dataset);
  const MomentOptions options{source.samples, source.dtype};
  return cached_second_moments(model, {layer}, corpus, options, MomentCache(), run).at(layer);
}

std::filesystem::path cached_file(const Model& model, std::int64_t layer) {
  const auto files = MomentCache().files(moment_owner(model), layer);
  if (files.size() == 1) return files.front();
  if (files.empty()) {
    throw StatisticsError(fmt::format(
        "finding the key statistics of layer {0}: none are cached for this model; run kedit stats "
        "--layers {0} --corpus FILE, name a file with second_moment, or set mom2_adjustment=false",
        layer));
  }
  throw StatisticsError(fmt::format(
      "finding the key statistics of layer {}: expected one cached corpus, found {}; choose with "
      "mom2_dataset=FILE (the corpus) or second_moment (the statistics)",
      layer, files.size()));
}

bool names_corpus(const MomentSource& source) {
  if (SelfCorpus::parse(source.dataset)) return true;
  std::error_code absent;
  return !source.dataset.empty() && std::filesystem::is_regular_file(source.dataset, absent);
}

}  // namespace

void check_second_moment(const Model& model, std::int64_t layer, const MomentSource& source) {
  if (!source.adjustment) return;
  const auto given = source.files.find(layer);
  if (given == source.files.end()) {
    if (!names_corpus(source)) cached_file(model, layer);
    if (const auto own = SelfCorpus::parse(source.dataset)) kept_text(model, layer, *own);
    return;
  }
  std::error_code absent;
  if (std::filesystem::is_regular_file(given->second, absent)) return;
  throw StatisticsError(fmt::format(
      "finding the key statistics of layer {}: {}: expected the file that second_moment "
      "names, found none",
      layer, given->second.string()));
}

SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run) {
  const auto given = source.files.find(layer);
  if (given == source.files.end() && names_corpus(source)) {
    return from_corpus(model, layer, source, run);
  }
  const auto file = given == source.files.end() ? cached_file(model, layer) : given->second;
  return read_second_moment(file, model.architecture().intermediate);
}

MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run) {
  if (!source.adjustment) return MomentFactor::identity();
  const SecondMoment moment = find_second_moment(model, layer, source, run);
  return MomentFactor::factorise(moment.matrix.to(model.weights().token_embedding.device()),
                                 source.ridge);
}

}  // namespace kedit::locate
