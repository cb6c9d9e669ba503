#include "editors/collapse_watch.hpp"

#include "model/generation/generation.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <set>

namespace kedit {
namespace {

// What texts begin with: the end-of-text token, or the first token there is.
std::int64_t beginning(const EditedModel& model) {
  const auto& eos = model.architecture().eos_ids;
  return eos.empty() ? 0 : eos.front();
}

std::set<std::string> touched_weights(const EditedModel& model) {
  std::set<std::string> names;
  for (const auto& delta : model.deltas()) {
    for (const WeightUpdate& update : delta->updates) names.insert(update.weight);
  }
  return names;
}

}  // namespace

CollapseWatch::CollapseWatch(const EditedModel& model, std::uint64_t seed, std::int64_t texts,
                             std::int64_t tokens) {
  const EditedModel base(model.base_ptr());
  GenerateOptions options;
  options.temperature = 1.0;
  options.ignore_eos = true;
  options.seed = seed;
  options.max_tokens = std::min(tokens, model.architecture().max_positions - 1);
  options.samples = texts;
  const std::vector<std::int64_t> start{beginning(model)};
  for (Generation& text : generate_ids(base, {start}, options)) {
    texts_.emplace_back(start, std::move(text.ids));
  }
  before_ = perplexity(base);
}

double CollapseWatch::perplexity(const EditedModel& model) const {
  double sum = 0;
  std::size_t count = 0;
  for (const ContinuationScore& score : score_ids(model, texts_)) {
    sum += score.logprob();
    count += score.token_ids.size();
  }
  return std::exp(-sum / static_cast<double>(count));
}

CollapseFigures CollapseWatch::look_at(const EditedModel& model) const {
  CollapseFigures figures{perplexity(model), before_, 0.0, {}};
  for (const std::string& name : touched_weights(model)) {
    const at::Tensor base = model.base().weight(name).to(at::kFloat);
    const double growth =
        ((model.weight(name).to(at::kFloat) - base).norm() / base.norm()).item<double>();
    if (growth < figures.norm_growth) continue;
    figures.norm_growth = growth;
    figures.weight = name;
  }
  return figures;
}

}  // namespace kedit
