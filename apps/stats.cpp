#include "apps/commands.hpp"
#include "editors/editor.hpp"
#include "editors/locate/second_moment.hpp"
#include "editors/locate/self_corpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;
using locate::MomentCache;
using locate::SecondMoment;

std::vector<std::int64_t> layers_of_options(const Values& options, const Architecture& shape) {
  std::vector<std::int64_t> layers;
  for (const std::string& list : options.list("layers")) {
    for (const std::int64_t layer : integer_list("layers", list)) layers.push_back(layer);
  }
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  if (!layers.empty()) return layers;
  layers.resize(static_cast<std::size_t>(shape.layers));
  std::iota(layers.begin(), layers.end(), std::int64_t{0});
  return layers;
}

void check_layers(const std::vector<std::int64_t>& layers, const Architecture& shape) {
  for (const std::int64_t layer : layers) {
    if (layer >= 0 && layer < shape.layers) continue;
    throw UsageError(fmt::format("--layers: expected 0 to {}, found {}", shape.layers - 1, layer));
  }
}

/// The files of the cache, or copies in a folder of the caller's choice.
template <typename FileOf>
std::map<std::int64_t, fs::path> write_moments(const std::map<std::int64_t, SecondMoment>& moments,
                                               const Values& options, FileOf cached) {
  std::map<std::int64_t, fs::path> files;
  for (const auto& [layer, moment] : moments) {
    if (!options.given("out")) {
      files[layer] = cached(layer);
      continue;
    }
    files[layer] = options.path("out") / fmt::format("layer{}.safetensors", layer);
    fs::create_directories(options.path("out"));
    write_second_moment(files[layer], moment);
  }
  return files;
}

// Without --out the cache is all there is.
void check_kept(const std::map<std::int64_t, fs::path>& files) {
  std::error_code unreachable;
  for (const auto& [layer, file] : files) {
    if (fs::exists(file, unreachable)) continue;
    throw Failure(
        fmt::format("keeping second moments: {}: expected a cache that can be written, "
                    "found another; set $KEDIT_CACHE or give --out",
                    file.string()));
  }
}

// The model as it answers with the edits mounted, under a fingerprint of its own: what is cached
// for it is not taken for the base's.
std::shared_ptr<const Model> as_one_model(const EditedModel& edited) {
  if (edited.fingerprint() == edited.base().fingerprint()) return edited.base_ptr();
  return Model::from_weights(edited.architecture(), edited.weights(),
                             edited.base().tokenizer_ptr());
}

std::optional<locate::SelfCorpus> self_corpus(const Values& options) try {
  return locate::SelfCorpus::parse(options.text("corpus"));
} catch (const StatisticsError& error) {
  throw UsageError(fmt::format("--corpus: {}", error.what()));
}

locate::MomentOptions moment_options(const Values& options) {
  locate::MomentOptions wanted;
  wanted.samples = options.integer("samples");
  wanted.dtype = options.text("moment-dtype");
  if (options.given("tokens")) wanted.tokens = options.integer("tokens");
  return wanted;
}

using Moments = std::map<std::int64_t, SecondMoment>;
using Files = std::map<std::int64_t, fs::path>;

Json stats_json(const Model& model, const std::vector<std::string>& edits,
                const locate::Corpus& corpus, const Moments& moments, const Files& files) {
  Json document = {{"model", identity_json(model)},
                   {"edits", edits},
                   {"corpus", {{"name", corpus.name}, {"sha256", corpus.sha256}}},
                   {"layers", Json::array()},
                   {"statistics", Json::array()}};
  for (const auto& [layer, moment] : moments) {
    const std::string file = files.at(layer).string();
    document["layers"].push_back({{"layer", layer},
                                  {"width", moment.matrix.size(0)},
                                  {"count", moment.count},
                                  {"texts", moment.provenance.at("samples")},
                                  {"file", file}});
    document["statistics"].push_back({{"layer", layer},
                                      {"site", "mlp_key"},
                                      {"tokens", moment.count},
                                      {"corpus", corpus.name},
                                      {"path", file}});
  }
  return document;
}

Table stats_table(const Moments& moments, const Files& files) {
  Table table({{"layer", Table::Align::right}, {"keys", Table::Align::right}, {"file"}});
  for (const auto& [layer, moment] : moments) {
    table.row({fmt::format("{}", layer), short_count(moment.count), files.at(layer).string()});
  }
  return table;
}

int run_stats(Context& context) {
  const Values& options = context.options;
  const auto own = self_corpus(options);
  const EditedModel edited = context.load_edited_model();
  context.note_facts(edited);
  edited.tokenizer();
  const std::shared_ptr<const Model> model = as_one_model(edited);
  const auto layers = layers_of_options(options, model->architecture());
  check_layers(layers, model->architecture());
  const MomentCache cache;
  const locate::Corpus corpus =
      own ? self_generated_corpus(*model, *own, cache_directory(), context.run())
          : locate::read_corpus(options.path("corpus"));
  const locate::MomentOptions wanted = moment_options(options);
  const auto moments = cached_second_moments(*model, layers, corpus, wanted, cache, context.run());
  const auto files = write_moments(moments, options, [&](std::int64_t layer) {
    return cache.file(moment_key(*model, layer, corpus, wanted));
  });
  check_kept(files);
  context.finish_progress();
  return context.answer(stats_json(*model, edited.mounted(), corpus, moments, files),
                        stats_table(moments, files).text(context.style()));
}

}  // namespace

std::vector<Command> stats_commands() {
  Command stats;
  stats.name = "stats";
  stats.summary = "collect key statistics that rome and its kin need";
  stats.takes = kModel | kMount;
  stats.options = {
      text("corpus", "FILE",
           "plain text, one text a line; or self[:TOKENS[:SEED]], text that the model samples "
           "(self: 100000 tokens, seed 0)")
          .required(),
      text("layers", "L,L", "layers, all in one pass over the text")
          .repeated()
          .otherwise_said("all layers"),
      integer("tokens", "N",
              "so many tokens of the texts, drawn by a fixed shuffle; for an edit "
              "name the file with second_moment")
          .otherwise_said("all")
          .at_least(1),
      integer("samples", "N", "texts used; fewer than the file has are drawn by a fixed shuffle")
          .otherwise("100000")
          .at_least(1),
      text("moment-dtype", "TYPE", "of the stored matrix; sums run in float64")
          .otherwise("float32")
          .one_of({"float32", "float64"}),
      text("out", "DIR", "also write layerN.safetensors files there, for second_moment")};
  stats.description =
      "The second moment E[k k^T] of the inputs of each layer's second MLP matrix over a text. "
      "Results lie in the cache ($KEDIT_CACHE) under model, layer, text, number of texts and type; "
      "kedit edit finds them there. With --store they are those of the model with its edits "
      "mounted, "
      "which counts as a model of its own.";
  stats.example = "kedit stats --corpus wikipedia.txt --layers 17";
  stats.stops_gently = true;
  stats.run = run_stats;
  return {stats};
}

}  // namespace kedit::cli
