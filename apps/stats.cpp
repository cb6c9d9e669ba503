#include "apps/commands.hpp"
#include "editors/editor.hpp"
#include "editors/locate/null_space.hpp"
#include "editors/locate/process_group.hpp"
#include "editors/locate/second_moment.hpp"
#include "editors/locate/self_corpus.hpp"
#include "eval/runner/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
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

using NullSpaces = std::map<std::int64_t, locate::NullSpace>;

/// Shares of the eigenvalues whose upper ends are told.
constexpr std::array<double, 9> kQuantiles{0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0};

NullSpaces null_spaces(Context& context, const Moments& moments) {
  NullSpaces spaces;
  if (!context.options.given("nullspace")) return spaces;
  const double threshold = context.options.number("nullspace");
  const RunContext run = context.run();
  std::int64_t done = 0;
  for (const auto& [layer, moment] : moments) {
    if (run.should_stop()) throw Interrupted("finding null spaces was interrupted");
    run.report({"null spaces", done++, static_cast<std::int64_t>(moments.size()), "layers"});
    spaces.emplace(layer,
                   locate::cached_null_space(moment.matrix, threshold, cache_directory(), run));
  }
  return spaces;
}

Json null_space_json(const locate::NullSpace& space) {
  Json quantiles = Json::object();
  for (const double share : kQuantiles) {
    const auto index = std::lround(share * static_cast<double>(space.width() - 1));
    quantiles[fmt::format("{}", share)] = space.eigenvalues[index].item<double>();
  }
  return {{"threshold", space.threshold},
          {"rank", space.rank()},
          {"width", space.width()},
          {"eigenvalues", quantiles}};
}

struct Collected {
  Moments moments;
  Files files;
  NullSpaces spaces;  // none unless asked for
};

Json stats_json(const Model& model, const std::vector<std::string>& edits,
                const locate::Corpus& corpus, const Collected& found) {
  Json document = {{"model", identity_json(model)},
                   {"edits", edits},
                   {"corpus", {{"name", corpus.name}, {"sha256", corpus.sha256}}},
                   {"layers", Json::array()},
                   {"statistics", Json::array()}};
  for (const auto& [layer, moment] : found.moments) {
    const std::string file = found.files.at(layer).string();
    document["layers"].push_back({{"layer", layer},
                                  {"width", moment.matrix.size(0)},
                                  {"count", moment.count},
                                  {"texts", moment.provenance.at("samples")},
                                  {"file", file}});
    Json one = {{"layer", layer},
                {"site", "mlp_key"},
                {"tokens", moment.count},
                {"corpus", corpus.name},
                {"path", file}};
    const auto space = found.spaces.find(layer);
    if (space != found.spaces.end()) one["null_space"] = null_space_json(space->second);
    document["statistics"].push_back(std::move(one));
  }
  return document;
}

Table stats_table(const Collected& found) {
  std::vector<Table::Column> columns{{"layer", Table::Align::right}, {"keys", Table::Align::right}};
  if (!found.spaces.empty()) {
    columns.push_back({"null space", Table::Align::right});
    columns.push_back({"eigenvalues"});
  }
  columns.push_back({"file"});
  Table table(columns);
  for (const auto& [layer, moment] : found.moments) {
    std::vector<std::string> row{fmt::format("{}", layer), short_count(moment.count)};
    const auto space = found.spaces.find(layer);
    if (space != found.spaces.end()) {
      row.push_back(fmt::format("{} of {}", space->second.rank(), space->second.width()));
      row.push_back(space->second.eigenvalue_range());
    }
    row.push_back(found.files.at(layer).string());
    table.row(row);
  }
  return table;
}

/// The processes that share the work; none where this one is alone.
std::unique_ptr<locate::ProcessGroup> process_group(const Values& options) {
  const runner::Shard shard = runner::shard_from_environment();
  if (shard.of == 1) return nullptr;
  const auto patience = std::chrono::milliseconds(1000 * options.integer("dist-timeout"));
  return std::make_unique<locate::ProcessGroup>(locate::ProcessPlace::among(shard.rank, shard.of),
                                                patience);
}

void note_speed(Context& context, const locate::MomentFigures& figures) {
  if (figures.tokens == 0) return;
  context.note(
      fmt::format("{} tokens in {:.1f} s, {:.0f} % of it for the second moments ({:.0f} "
                  "GFLOP/s)",
                  figures.tokens, figures.seconds, 100 * figures.update_seconds / figures.seconds,
                  1e-9 * figures.update_flops / figures.update_seconds));
}

// The first process of several has the result; the others say that they have done their share.
int answer_share(Context& context, const locate::ProcessGroup& group) {
  return context.answer(
      {{"statistics", Json::array()}, {"process", group.rank()}, {"processes", group.size()}},
      fmt::format("process {} of {}: done; the first one has the statistics\n", group.rank(),
                  group.size()));
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

  const auto group = process_group(options);
  locate::MomentFigures figures;
  locate::MomentWork work;
  work.save_seconds = options.number("save-every");
  work.group = group.get();
  work.figures = &figures;
  Collected found;
  found.moments = cached_second_moments(*model, layers, corpus, wanted, cache, context.run(), work);
  context.finish_progress();
  note_speed(context, figures);
  if (group && group->rank() > 0) return answer_share(context, *group);
  found.files = write_moments(found.moments, options, [&](std::int64_t layer) {
    return cache.file(moment_key(*model, layer, corpus, wanted));
  });
  check_kept(found.files);
  found.spaces = null_spaces(context, found.moments);
  context.finish_progress();
  return context.answer(stats_json(*model, edited.mounted(), corpus, found),
                        stats_table(found).text(context.style()));
}

}  // namespace

std::vector<Command> stats_commands() {
  Command stats;
  stats.name = "stats";
  stats.summary = "collect key statistics that rome and its kin need";
  stats.takes = kModel | kMount;
  stats.options = {
      text("corpus", "FILE",
           "plain text, one text a line; JSON lines (.jsonl) with `text`; or self[:TOKENS[:SEED]], "
           "text that the model samples (self: 100000 tokens, seed 0)")
          .required(),
      text("layers", "L,L", "layers, all in one pass over the text")
          .repeated()
          .otherwise_said("all layers"),
      integer("tokens", "N",
              "so many tokens of the texts, drawn by a fixed shuffle; an edit finds them with "
              "mom2_n_tokens")
          .otherwise_said("all")
          .at_least(1),
      integer("samples", "N", "texts used; fewer than the file has are drawn by a fixed shuffle")
          .otherwise("100000")
          .at_least(1),
      text("moment-dtype", "TYPE", "of the stored matrix; sums run in float64")
          .otherwise("float32")
          .one_of({"float32", "float64"}),
      text("out", "DIR", "also write layerN.safetensors files there, for second_moment"),
      number("nullspace", "THRESHOLD",
             "also find the null space that alphaedit uses, below this eigenvalue, and keep it"),
      number("save-every", "S",
             "seconds between two saves of the sums, from which a run that was killed goes on")
          .otherwise("60"),
      integer("dist-timeout", "S", "seconds to wait for the other processes (WORLD_SIZE)")
          .otherwise("1800")
          .at_least(1)};
  stats.description =
      "The second moment E[k k^T] of the inputs of each layer's second MLP matrix over a text. "
      "Results lie in the cache ($KEDIT_CACHE) under model, layer, text, number of texts and type; "
      "kedit edit finds them there. With --store they are those of the model with its edits "
      "mounted, "
      "which counts as a model of its own. What was interrupted goes on. Under RANK and WORLD_SIZE "
      "(torchrun; else SLURM_PROCID and SLURM_NTASKS) that many processes share the text; they "
      "meet "
      "at MASTER_ADDR:MASTER_PORT, and the first one writes the result.";
  stats.example = "kedit stats --corpus wikipedia.txt --layers 17";
  stats.stops_gently = true;
  stats.run = run_stats;
  return {stats};
}

}  // namespace kedit::cli
