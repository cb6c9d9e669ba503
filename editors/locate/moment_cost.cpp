#include "editors/locate/moment_cost.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

namespace kedit::locate {
namespace {

constexpr std::size_t kTextsRead = 64;
// A pass does more than products: norms, activations, attention.
constexpr double kShareOfProducts = 0.6;

/// Floating-point operations a second of the product that the model does most: some tokens by the
/// second matrix of an MLP.
double product_speed(const Model& model) {
  const c10::NoGradGuard no_grad;
  const at::Tensor weight = model.weights().layers.front().down.weight;
  const std::int64_t rows = weight.numel() < 20'000'000 ? 512 : 64;
  const at::Tensor input = at::ones({rows, weight.size(0)}, weight.options());
  const auto once = [&] {
    const Stopwatch watch;
    input.mm(weight).sum().item<float>();  // waits for a device
    return watch.seconds();
  };
  once();
  const double seconds = std::max(1e-9, std::min(once(), once()));
  return 2.0 * static_cast<double>(rows) * static_cast<double>(weight.numel()) / seconds;
}

/// Tokens of a text, on the average over some that lie evenly through the corpus.
double mean_tokens(const Model& model, const Corpus& corpus) {
  const auto limit = static_cast<std::size_t>(model.architecture().max_positions);
  const std::size_t step = std::max<std::size_t>(1, corpus.texts.size() / kTextsRead);
  std::size_t tokens = 0, texts = 0;
  for (std::size_t i = 0; i < corpus.texts.size(); i += step, ++texts) {
    tokens += std::min(limit, model.tokenizer().ids(corpus.texts[i]).size());
  }
  return static_cast<double>(tokens) / static_cast<double>(texts);
}

}  // namespace

double collection_seconds(const Model& model, const std::vector<std::int64_t>& layers,
                          std::int64_t tokens) {
  return static_cast<double>(tokens) * flops_per_token(model, layers) /
         (kShareOfProducts * product_speed(model));
}

MomentCost moment_cost(const Model& model, const std::vector<std::int64_t>& layers,
                       const Corpus& corpus, const MomentOptions& options) {
  MomentCost cost;
  cost.texts = std::min(options.samples, static_cast<std::int64_t>(corpus.texts.size()));
  cost.tokens =
      static_cast<std::int64_t>(mean_tokens(model, corpus) * static_cast<double>(cost.texts));
  if (options.tokens > 0) cost.tokens = std::min(cost.tokens, options.tokens);
  cost.seconds = collection_seconds(model, layers, cost.tokens);
  return cost;
}

std::string about_seconds(double seconds) {
  if (seconds < 1.0) return "a second";
  if (seconds < 120.0) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200.0) return fmt::format("{:.0f} min", seconds / 60.0);
  return fmt::format("{:.0f} h", seconds / 3600.0);
}

}  // namespace kedit::locate
