#include "editors/locate/second_moment.hpp"

#include "editors/editor.hpp"
#include "editors/locate/keys.hpp"
#include "edits/hash.hpp"
#include "kernels/second_moment.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
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

/// Tokenised texts, longest first, so that padded batches waste little.
std::vector<LocatedText> sampled_texts(const Model& model, const Corpus& corpus,
                                       const MomentOptions& options) {
  const auto limit = static_cast<std::size_t>(model.architecture().max_positions);
  std::size_t room = options.tokens > 0 ? static_cast<std::size_t>(options.tokens) : SIZE_MAX;
  std::vector<LocatedText> texts;
  for (const std::size_t index : chosen_texts(corpus, options)) {
    if (room == 0) break;
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

/// Running sums S = sum k k^T of some layers.
class MomentSums {
 public:
  MomentSums(const std::vector<std::int64_t>& layers, std::int64_t width) {
    for (const std::int64_t layer : layers) sums_[layer] = at::zeros({width, width}, at::kDouble);
  }

  /// keys: [batch, seq, m]; only the first lengths[row] positions of a row are text.
  void add(std::int64_t layer, const at::Tensor& keys, const std::vector<std::int64_t>& lengths) {
    std::vector<at::Tensor> rows;
    for (std::size_t row = 0; row < lengths.size(); ++row) {
      rows.push_back(keys.select(0, static_cast<std::int64_t>(row)).narrow(0, 0, lengths[row]));
    }
    const at::Tensor all = at::cat(rows).to(at::kFloat).contiguous();
    at::Tensor& sum = sums_.at(layer);
    if (all.is_cpu()) {
      kernels::accumulate_second_moment(all.data_ptr<float>(), all.size(0), all.size(1),
                                        sum.data_ptr<double>());
    } else {
      const at::Tensor wide = all.to(at::kDouble);
      sum += wide.t().matmul(wide).to(at::kCPU);
    }
  }

  const at::Tensor& of(std::int64_t layer) const { return sums_.at(layer); }

 private:
  std::map<std::int64_t, at::Tensor> sums_;
};

void run_batch(const EditedModel& base, const std::vector<std::int64_t>& layers,
               const std::vector<LocatedText>& batch, MomentSums& sums) {
  std::vector<std::int64_t> lengths;
  for (const LocatedText& text : batch)
    lengths.push_back(static_cast<std::int64_t>(text.ids.size()));
  Taps taps;
  for (const std::int64_t layer : layers) {
    taps.add(layer, Site::mlp_key, [layer, &lengths, &sums](const at::Tensor& keys) {
      sums.add(layer, keys, lengths);
      return keys;
    });
  }
  taps.stop_after(*std::max_element(layers.begin(), layers.end()));
  ForwardInput input;
  input.ids = padded_batch(base, batch);
  input.want_logits = false;
  base.forward(input, nullptr, &taps);
}

/// Padded tokens that a batch may have: what a layer holds for them stays within some 100 MB.
constexpr std::int64_t kMostPadded = 8192;

/// The next texts whose padded size stays below about three times the position limit, and below
/// `kMostPadded` unless the first one alone is longer.
std::vector<LocatedText> next_batch(const std::vector<LocatedText>& texts, std::size_t begin,
                                    std::int64_t limit) {
  const auto room =
      static_cast<std::size_t>(std::min(3 * std::max<std::int64_t>(limit, 512), kMostPadded));
  const std::size_t rows = std::max<std::size_t>(1, room / texts[begin].ids.size());
  const std::size_t end = std::min(texts.size(), begin + rows);
  return {texts.begin() + static_cast<std::ptrdiff_t>(begin),
          texts.begin() + static_cast<std::ptrdiff_t>(end)};
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

}  // namespace

Corpus make_corpus(std::string name, std::vector<std::string> texts) {
  Sha256 hash;
  for (const std::string& text : texts) hash.update(text).update("\n");
  return {std::move(name), hash.hex(), std::move(texts)};
}

Corpus read_corpus(const std::filesystem::path& file) {
  const std::string bytes = read_text_file(file);
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    std::string line = bytes.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) texts.push_back(std::move(line));
    begin = end + 1;
  }
  if (texts.empty()) {
    throw StatisticsError(fmt::format(
        "reading the corpus {}: expected one text per line, found none", file.string()));
  }
  return make_corpus(file.filename().string(), std::move(texts));
}

std::map<std::int64_t, SecondMoment> collect_second_moments(const Model& model,
                                                            const std::vector<std::int64_t>& layers,
                                                            const Corpus& corpus,
                                                            const MomentOptions& options,
                                                            const RunContext& run) {
  check_layers(model, layers);
  const c10::NoGradGuard no_grad;
  const EditedModel base(std::shared_ptr<const Model>(&model, [](const Model*) {}));
  const std::vector<LocatedText> texts = sampled_texts(model, corpus, options);
  if (texts.empty())
    throw StatisticsError("collecting key statistics: expected some text, found none");
  const std::int64_t tokens = count_tokens(texts);

  MomentSums sums(layers, model.architecture().intermediate);
  std::int64_t done = 0;
  for (std::size_t begin = 0; begin < texts.size();) {
    if (run.should_stop()) throw Interrupted("collecting key statistics was interrupted");
    const auto batch = next_batch(texts, begin, model.architecture().max_positions);
    run_batch(base, layers, batch, sums);
    begin += batch.size();
    done += count_tokens(batch);
    run.report({"key statistics", done, tokens, "tokens"});
  }

  std::map<std::int64_t, SecondMoment> moments;
  for (const std::int64_t layer : layers) {
    SecondMoment& moment = moments[layer];
    moment.count = tokens;
    moment.matrix = (sums.of(layer) / static_cast<double>(tokens))
                        .to(options.dtype == "float64" ? at::kDouble : at::kFloat);
    moment.provenance = {{"model", model.fingerprint()},
                         {"layer", layer},
                         {"corpus", corpus.name},
                         {"corpus_sha256", corpus.sha256},
                         {"samples", static_cast<std::int64_t>(texts.size())},
                         {"dtype", options.dtype},
                         {"tokens", tokens}};
  }
  return moments;
}

}  // namespace kedit::locate
