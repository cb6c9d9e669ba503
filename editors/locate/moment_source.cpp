#include "editors/locate/moment_source.hpp"

#include "editors/editor.hpp"
#include "editors/locate/moment_cost.hpp"
#include "editors/locate/reference_statistics.hpp"
#include "editors/locate/self_corpus.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& file) {
  std::error_code absent;
  return fs::is_regular_file(file, absent);
}

MomentOptions options_of(const MomentSource& source) {
  return {source.samples, source.dtype, source.tokens};
}

/// The statistics at hand outside of the cache: the file given for the layer, else the reference
/// programs' own.
std::optional<fs::path> given_file(const Model& model, std::int64_t layer,
                                   const MomentSource& source) {
  const auto named = source.files.find(layer);
  if (named != source.files.end()) return named->second;
  return find_reference_statistics(model, layer, source);
}

bool names_corpus(const MomentSource& source) {
  return SelfCorpus::parse(source.dataset) || (!source.dataset.empty() && is_file(source.dataset));
}

/// The layers of the edit that the cache has no statistics for over the corpus.
std::vector<std::int64_t> missing_layers(const Model& model, std::int64_t layer,
                                         const MomentSource& source, const Corpus& corpus) {
  std::vector<std::int64_t> layers = source.layers;
  if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
  std::sort(layers.begin(), layers.end());
  const MomentCache cache;
  std::vector<std::int64_t> missing;
  for (const std::int64_t one : layers) {
    if (given_file(model, one, source)) continue;
    if (!is_file(cache.file(moment_key(model, one, corpus, options_of(source))))) {
      missing.push_back(one);
    }
  }
  return missing;
}

// ---- What is missing ---------------------------------------------------------------------

std::string layers_text(const std::vector<std::int64_t>& layers) {
  return fmt::format("layer{} {}", layers.size() == 1 ? "" : "s", fmt::join(layers, ", "));
}

/// "kedit stats ..." with the options that lead to the statistics the settings ask for.
std::string stats_command(const std::vector<std::int64_t>& layers, const MomentSource& source) {
  const auto own = SelfCorpus::parse(source.dataset);
  std::string command = fmt::format("kedit stats --layers {} --corpus {}", fmt::join(layers, ","),
                                    own ? own->name() : source.dataset);
  const MomentSource usual;
  if (source.samples != usual.samples) command += fmt::format(" --samples {}", source.samples);
  if (source.tokens > 0) command += fmt::format(" --tokens {}", source.tokens);
  if (source.dtype != usual.dtype) command += fmt::format(" --moment-dtype {}", source.dtype);
  return command;
}

[[noreturn]] void refuse_to_collect(const Model& model, const std::vector<std::int64_t>& layers,
                                    const MomentSource& source, const Corpus& corpus) {
  const MomentCost cost = moment_cost(model, layers, corpus, options_of(source));
  throw StatisticsError(fmt::format(
      "finding the key statistics of {}: none are cached for this model over {} ({} texts, about "
      "{} tokens, about {}); run {}, or give --stats auto",
      layers_text(layers), corpus.name, cost.texts, cost.tokens, about_seconds(cost.seconds),
      stats_command(layers, source)));
}

[[noreturn]] void refuse_to_sample(const std::vector<std::int64_t>& layers,
                                   const MomentSource& source, const SelfCorpus& wanted) {
  throw StatisticsError(fmt::format(
      "finding the key statistics of {}: no text of this model, {}, was sampled yet; run {}, or "
      "give --stats auto",
      layers_text(layers), wanted.name(), stats_command(layers, source)));
}

[[noreturn]] void refuse_without_corpus(const Model& model, std::int64_t layer,
                                        const MomentSource& source) {
  constexpr std::int64_t kTokens = 100000;
  const std::vector<std::int64_t> layers =
      source.layers.empty() ? std::vector<std::int64_t>{layer} : source.layers;
  const std::string nor =
      source.directory.empty()
          ? std::string()
          : fmt::format(", nor is there {}", reference_statistics_name(model, layer, source));
  throw StatisticsError(fmt::format(
      "finding the key statistics of {}: none are cached for this model{}; run kedit stats "
      "--layers {} --corpus FILE (about {} for {} tokens), name a file with second_moment, a "
      "corpus with mom2_dataset, or set mom2_adjustment=false",
      layers_text(layers), nor, fmt::join(layers, ","),
      about_seconds(collection_seconds(model, layers, kTokens)), kTokens));
}

// ---- Where statistics come from ------------------------------------------------------------

/// The text that `mom2_dataset` names. Nothing for a text of the model's own that was not sampled
/// yet.
std::optional<Corpus> corpus_at_hand(const Model& model, const MomentSource& source) {
  const auto own = SelfCorpus::parse(source.dataset);
  if (own) return kept_self_corpus(model, *own, cache_directory());
  return read_corpus(source.dataset);
}

SecondMoment from_corpus(const Model& model, std::int64_t layer, const MomentSource& source,
                         const RunContext& run) {
  std::optional<Corpus> corpus = corpus_at_hand(model, source);
  if (!corpus && source.collect) {
    corpus =
        self_generated_corpus(model, *SelfCorpus::parse(source.dataset), cache_directory(), run);
  }
  if (!corpus) refuse_to_sample({layer}, source, *SelfCorpus::parse(source.dataset));
  const auto missing = missing_layers(model, layer, source, *corpus);
  const bool has = std::find(missing.begin(), missing.end(), layer) == missing.end();
  if (!has && !source.collect) refuse_to_collect(model, missing, source, *corpus);
  return cached_second_moments(model, has ? std::vector<std::int64_t>{layer} : missing, *corpus,
                               options_of(source), MomentCache(), run)
      .at(layer);
}

fs::path cached_file(const Model& model, std::int64_t layer, const MomentSource& source) {
  const auto files = MomentCache().files(moment_owner(model), layer);
  if (files.size() == 1) return files.front();
  if (files.empty()) refuse_without_corpus(model, layer, source);
  throw StatisticsError(fmt::format(
      "finding the key statistics of layer {}: expected one cached corpus, found {}; choose with "
      "mom2_dataset=FILE (the corpus) or second_moment (the statistics)",
      layer, files.size()));
}

}  // namespace

void check_second_moment(const Model& model, std::int64_t layer, const MomentSource& source) {
  if (!source.adjustment) return;
  if (const auto given = given_file(model, layer, source)) {
    if (is_file(*given)) return;
    throw StatisticsError(fmt::format(
        "finding the key statistics of layer {}: {}: expected the file that second_moment "
        "names, found none",
        layer, given->string()));
  }
  if (!names_corpus(source)) {
    cached_file(model, layer, source);
    return;
  }
  if (source.collect) return;
  const std::optional<Corpus> corpus = corpus_at_hand(model, source);
  if (!corpus) refuse_to_sample({layer}, source, *SelfCorpus::parse(source.dataset));
  const auto missing = missing_layers(model, layer, source, *corpus);
  if (!missing.empty()) refuse_to_collect(model, missing, source, *corpus);
}

SecondMoment find_second_moment(const Model& model, std::int64_t layer, const MomentSource& source,
                                const RunContext& run) {
  const std::int64_t width = model.architecture().intermediate;
  if (const auto given = given_file(model, layer, source)) return read_second_moment(*given, width);
  if (names_corpus(source)) return from_corpus(model, layer, source, run);
  return read_second_moment(cached_file(model, layer, source), width);
}

MomentFactor moment_factor(const Model& model, std::int64_t layer, const MomentSource& source,
                           const RunContext& run) {
  if (!source.adjustment) return MomentFactor::identity();
  const SecondMoment moment = find_second_moment(model, layer, source, run);
  return MomentFactor::factorise(moment.matrix.to(model.weights().token_embedding.device()),
                                 source.ridge);
}

}  // namespace kedit::locate
