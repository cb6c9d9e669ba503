#include "apps/commands.hpp"
#include "editors/locate/second_moment.hpp"

#include <fmt/format.h>

#include <numeric>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;
using locate::MomentCache;
using locate::SecondMoment;

std::vector<std::int64_t> layers_of_options(const Values& options, const Architecture& shape) {
  std::vector<std::int64_t> layers;
  if (options.given("layers")) return integer_list("layers", options.text("layers"));
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
std::map<std::int64_t, fs::path> write_moments(const std::map<std::int64_t, SecondMoment>& moments,
                                               const Values& options, const MomentCache& cache) {
  std::map<std::int64_t, fs::path> files;
  for (const auto& [layer, moment] : moments) {
    if (!options.given("out")) {
      const Json& from = moment.provenance;
      files[layer] = cache.file({from.at("model"), layer, from.at("corpus_sha256"),
                                 from.at("samples"), from.at("dtype")});
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

int run_stats(Context& context) {
  const Values& options = context.options;
  const EditedModel edited = context.load_edited_model();
  context.note_facts(edited);
  edited.tokenizer();
  const std::shared_ptr<const Model> model = as_one_model(edited);
  const auto layers = layers_of_options(options, model->architecture());
  check_layers(layers, model->architecture());
  const locate::Corpus corpus = locate::read_corpus(options.path("corpus"));
  const locate::MomentOptions wanted{options.integer("samples"), options.text("moment-dtype")};
  const MomentCache cache;
  const auto moments = cached_second_moments(*model, layers, corpus, wanted, cache, context.run());
  const auto files = write_moments(moments, options, cache);
  check_kept(files);
  context.finish_progress();

  Json document = {{"model", identity_json(*model)},
                   {"edits", edited.mounted()},
                   {"corpus", {{"name", corpus.name}, {"sha256", corpus.sha256}}},
                   {"layers", Json::array()}};
  Table table({{"layer", Table::Align::right}, {"keys", Table::Align::right}, {"file"}});
  for (const auto& [layer, moment] : moments) {
    document["layers"].push_back({{"layer", layer},
                                  {"width", moment.matrix.size(0)},
                                  {"count", moment.count},
                                  {"texts", moment.provenance.at("samples")},
                                  {"file", files.at(layer).string()}});
    table.row({fmt::format("{}", layer), short_count(moment.count), files.at(layer).string()});
  }
  return context.answer(document, table.text(context.style()));
}

}  // namespace

std::vector<Command> stats_commands() {
  Command stats;
  stats.name = "stats";
  stats.summary = "collect key statistics that rome and its kin need";
  stats.takes = kModel | kMount;
  stats.options = {
      text("corpus", "FILE", "plain text, one text a line").required(),
      text("layers", "L,L", "layers, all in one pass over the text").otherwise_said("all layers"),
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
