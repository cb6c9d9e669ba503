#include "editors/locate/second_moment.hpp"

#include "editors/editor.hpp"
#include "editors/locate/keys.hpp"
#include "editors/locate/moment_sums.hpp"
#include "editors/locate/process_group.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

namespace kedit::locate {
namespace {

/// Which texts, in which order: of a part of them the first of a fixed shuffle.
std::vector<std::size_t> chosen_texts(const Corpus& corpus, const MomentOptions& options) {
  std::vector<std::size_t> order(corpus.texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto samples = static_cast<std::size_t>(options.samples);
  if (samples >= order.size() && options.tokens == 0) return order;
  std::mt19937_64 random(1);
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random() % (i + 1)]);
  order.resize(std::min(samples, order.size()));
  return order;
}

constexpr std::size_t kTextsToATurn = 1000;  // between two looks at who watches

/// Tokenised texts, longest first, so that padded batches waste little.
std::vector<LocatedText> sampled_texts(const Model& model, const Corpus& corpus,
                                       const MomentOptions& options, const RunContext& run) {
  const auto limit = static_cast<std::size_t>(model.architecture().max_positions);
  std::size_t room = options.tokens > 0 ? static_cast<std::size_t>(options.tokens) : SIZE_MAX;
  std::vector<LocatedText> texts;
  const std::vector<std::size_t> chosen = chosen_texts(corpus, options);
  for (std::size_t i = 0; i < chosen.size() && room > 0; ++i) {
    if (i % kTextsToATurn == kTextsToATurn - 1) {
      if (run.should_stop()) throw Interrupted("reading the corpus was interrupted");
      run.report({"reading the corpus", static_cast<std::int64_t>(i),
                  static_cast<std::int64_t>(chosen.size()), "texts"});
    }
    const std::size_t index = chosen[i];
    LocatedText text{model.tokenizer().ids(corpus.texts[index]), 0};
    text.ids.resize(std::min({text.ids.size(), limit, room}));
    room -= options.tokens > 0 ? text.ids.size() : 0;
    if (!text.ids.empty()) texts.push_back(std::move(text));
  }
  std::stable_sort(texts.begin(), texts.end(), [](const LocatedText& a, const LocatedText& b) {
    return a.ids.size() > b.ids.size();
  });
  return texts;
}

/// Padded tokens that a batch may have: what a layer holds for them stays within some 100 MB.
constexpr std::int64_t kMostPadded = 8192;

/// Texts that run together.
using Batch = std::vector<LocatedText>;

/// The next texts whose padded size stays below about three times the position limit, and below
/// `kMostPadded` unless the first one alone is longer.
Batch next_batch(const std::vector<LocatedText>& texts, std::size_t begin, std::int64_t limit) {
  const auto room =
      static_cast<std::size_t>(std::min(3 * std::max<std::int64_t>(limit, 512), kMostPadded));
  const std::size_t rows = std::max<std::size_t>(1, room / texts[begin].ids.size());
  const std::size_t end = std::min(texts.size(), begin + rows);
  return {texts.begin() + static_cast<std::ptrdiff_t>(begin),
          texts.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::vector<Batch> batches_of(const std::vector<LocatedText>& texts, std::int64_t limit) {
  std::vector<Batch> batches;
  for (std::size_t begin = 0; begin < texts.size(); begin += batches.back().size()) {
    batches.push_back(next_batch(texts, begin, limit));
  }
  return batches;
}

void check_layers(const Model& model, const std::vector<std::int64_t>& layers) {
  if (layers.empty()) throw EditError("collecting key statistics: expected at least one layer");
  for (const std::int64_t layer : layers) {
    if (layer >= 0 && layer < model.architecture().layers) continue;
    throw EditError(fmt::format("collecting key statistics: expected layers 0 to {}, found {}",
                                model.architecture().layers - 1, layer));
  }
}

std::int64_t count_tokens(const std::vector<LocatedText>& texts) {
  std::int64_t tokens = 0;
  for (const LocatedText& text : texts) tokens += static_cast<std::int64_t>(text.ids.size());
  return tokens;
}

/// What makes an unfinished collection the same as another.
Json collection_identity(const Model& model, const std::vector<std::int64_t>& layers,
                         const Corpus& corpus, const MomentOptions& options,
                         const MomentWork& work) {
  return {{"model", moment_owner(model)},
          {"layers", layers},
          {"corpus", corpus.sha256},
          {"samples", options.samples},
          {"tokens", options.tokens},
          {"batch_tokens", kMostPadded},
          {"process", work.group ? work.group->rank() : 0},
          {"processes", work.group ? work.group->size() : 1}};
}

/// One process's way through its share of the batches, which saves its sums now and then.
class Collection {
 public:
  Collection(const Model& model, std::vector<std::int64_t> layers, const MomentWork& work,
             const Json& identity)
      : base_(std::shared_ptr<const Model>(&model, [](const Model*) {})),
        layers_(std::move(layers)),
        sums_(layers_, model.architecture().intermediate),
        unfinished_(work.unfinished, identity),
        between_saves_(work.save_seconds) {}

  const MomentSums& sums() const { return sums_; }

  /// Returns the tokens summed here and now.
  std::int64_t run(const std::vector<Batch>& batches, const RunContext& run) {
    const std::int64_t finished = unfinished_.restore(&sums_);
    std::int64_t total = 0, done = 0, before = 0, number = 0;
    for (const Batch& batch : batches) total += count_tokens(batch);
    for (const Batch& batch : batches) {
      done += count_tokens(batch);
      if (++number <= finished) {
        before = done;
        if (number == finished) run.report({kTask, done, total, "tokens"});
        continue;
      }
      if (run.should_stop()) stop(number - 1, run);
      add(batch);
      run.report({kTask, done, total, "tokens"});
      if (number < static_cast<std::int64_t>(batches.size())) save_at_times(number, run);
    }
    return total - before;
  }

  /// What cannot be saved is no reason to stop.
  bool save(std::int64_t batches, const RunContext& run) try {
    unfinished_.save(sums_, batches);
    return true;
  } catch (const std::exception& error) {
    run.warning(fmt::format("the unfinished key statistics could not be kept ({})", error.what()));
    return false;
  }

 private:
  static constexpr const char* kTask = "key statistics";

  [[noreturn]] void stop(std::int64_t batches, const RunContext& run) {
    save(batches, run);
    throw Interrupted("collecting key statistics was interrupted; the same command goes on");
  }

  void add(const Batch& batch) {
    std::vector<std::int64_t> lengths;
    for (const LocatedText& text : batch) {
      lengths.push_back(static_cast<std::int64_t>(text.ids.size()));
    }
    Taps taps;
    for (const std::int64_t layer : layers_) {
      taps.add(layer, Site::mlp_key, [this, layer, &lengths](const at::Tensor& keys) {
        sums_.add(layer, keys, lengths);
        return keys;
      });
    }
    taps.stop_after(*std::max_element(layers_.begin(), layers_.end()));
    ForwardInput input;
    input.ids = padded_batch(base_, batch);
    input.want_logits = false;
    base_.forward(input, nullptr, &taps);
  }

  // A save takes at most a twentieth of the time.
  void save_at_times(std::int64_t batches, const RunContext& run) {
    if (since_save_.seconds() < between_saves_) return;
    const Stopwatch watch;
    if (!save(batches, run)) between_saves_ = std::numeric_limits<double>::infinity();
    between_saves_ = std::max(between_saves_, 20 * watch.seconds());
    since_save_.lap();
  }

  EditedModel base_;
  std::vector<std::int64_t> layers_;
  MomentSums sums_;
  UnfinishedSums unfinished_;
  double between_saves_;
  Stopwatch since_save_;
};

/// The batches of one process: every n-th, so that all have long and short ones.
std::vector<Batch> share_of(std::vector<Batch> batches, const ProcessGroup* group) {
  if (!group) return batches;
  std::vector<Batch> share;
  const auto step = static_cast<std::size_t>(group->size());
  for (auto i = static_cast<std::size_t>(group->rank()); i < batches.size(); i += step) {
    share.push_back(std::move(batches[i]));
  }
  return share;
}

SecondMoment moment_of(const MomentSums& sums, std::int64_t layer, std::int64_t tokens,
                       std::size_t texts, const Model& model, const Corpus& corpus,
                       const MomentOptions& options) {
  SecondMoment moment;
  moment.count = tokens;
  moment.matrix = sums.moment(layer, tokens, options.dtype == "float64" ? at::kDouble : at::kFloat);
  moment.provenance = {{"model", model.fingerprint()},
                       {"layer", layer},
                       {"corpus", corpus.name},
                       {"corpus_sha256", corpus.sha256},
                       {"samples", static_cast<std::int64_t>(texts)},
                       {"dtype", options.dtype},
                       {"tokens", tokens}};
  return moment;
}

}  // namespace

void forget_unfinished(const Model& model, const std::vector<std::int64_t>& layers,
                       const Corpus& corpus, const MomentOptions& options, const MomentWork& work) {
  UnfinishedSums(work.unfinished, collection_identity(model, layers, corpus, options, work))
      .remove();
}

double flops_per_token(const Model& model, const std::vector<std::int64_t>& layers) {
  const std::int64_t last = *std::max_element(layers.begin(), layers.end());
  std::int64_t weights = 0;
  for (std::int64_t l = 0; l <= last; ++l) {
    const LayerWeights& layer = model.weights().layers[static_cast<std::size_t>(l)];
    for (const Linear* map :
         {&layer.query, &layer.key, &layer.value, &layer.qkv, &layer.attention_output, &layer.gate,
          &layer.up, &layer.gate_up, &layer.down}) {
      if (map->weight.defined()) weights += map->weight.numel();
    }
  }
  const auto width = static_cast<double>(model.architecture().intermediate);
  return 2.0 * static_cast<double>(weights) + static_cast<double>(layers.size()) * width * width;
}

std::map<std::int64_t, SecondMoment> collect_second_moments(
    const Model& model, const std::vector<std::int64_t>& layers, const Corpus& corpus,
    const MomentOptions& options, const RunContext& run, const MomentWork& work) {
  check_layers(model, layers);
  const c10::NoGradGuard no_grad;
  const std::vector<LocatedText> texts = sampled_texts(model, corpus, options, run);
  if (texts.empty())
    throw StatisticsError("collecting key statistics: expected some text, found none");
  const Json identity = collection_identity(model, layers, corpus, options, work);

  const Stopwatch watch;
  Collection collection(model, layers, work, identity);
  const auto batches = share_of(batches_of(texts, model.architecture().max_positions), work.group);
  const std::int64_t done = collection.run(batches, run);
  if (work.figures) {
    work.figures->tokens += done;
    work.figures->seconds += watch.seconds();
    work.figures->update_seconds += collection.sums().seconds();
    const auto width = static_cast<double>(model.architecture().intermediate);
    work.figures->update_flops +=
        static_cast<double>(done) * static_cast<double>(layers.size()) * width * width;
  }
  if (work.group) {
    // Whoever waits here in vain need not do its share again.
    if (done > 0) collection.save(static_cast<std::int64_t>(batches.size()), run);
    work.group->sum(collection.sums().tensors());
  }
  std::map<std::int64_t, SecondMoment> moments;
  const std::int64_t tokens = count_tokens(texts);
  for (const std::int64_t layer : layers) {
    moments[layer] =
        moment_of(collection.sums(), layer, tokens, texts.size(), model, corpus, options);
  }
  return moments;
}

}  // namespace kedit::locate
