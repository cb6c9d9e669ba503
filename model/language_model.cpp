#include "model/language_model.hpp"

#include "model/generation/generation.hpp"
#include "model/generation/prefix_cache.hpp"

#include <numeric>

namespace kedit {

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::eos:
      return "eos";
    case StopReason::stop:
      return "stop";
    case StopReason::length:
      return "length";
    case StopReason::positions:
      return "positions";
  }
  return "unknown";
}

double ContinuationScore::logprob() const {
  return std::accumulate(token_logprobs.begin(), token_logprobs.end(), 0.0);
}

std::vector<std::vector<std::string>> LanguageModel::likely_tokens(
    const std::vector<std::string>& prompts, std::int64_t) const {
  return std::vector<std::vector<std::string>>(prompts.size());
}

LocalLanguageModel::LocalLanguageModel(const EditedModel& model, std::int64_t batch_rows,
                                       std::int64_t prefix_bytes)
    : model_(model),
      batch_rows_(batch_rows),
      prefixes_(std::make_shared<generation::PrefixCache>(prefix_bytes)) {}

std::vector<Generation> LocalLanguageModel::generate(const std::vector<std::string>& prompts,
                                                     const GenerateOptions& options) const {
  const Tokenizer& tokenizer = model_.tokenizer();
  std::vector<std::vector<std::int64_t>> ids;
  ids.reserve(prompts.size());
  for (const std::string& prompt : prompts) ids.push_back(tokenizer.ids(prompt));
  return generate_ids(model_, ids, options, batch_rows_, prefixes_.get());
}

std::vector<ContinuationScore> LocalLanguageModel::score(
    const std::vector<std::pair<std::string, std::string>>& pairs) const {
  const Tokenizer& tokenizer = model_.tokenizer();
  std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>> ids;
  ids.reserve(pairs.size());
  for (const auto& [prompt, continuation] : pairs) {
    ids.emplace_back(tokenizer.ids(prompt), tokenizer.ids(continuation, false));
  }
  return score_ids(model_, ids, batch_rows_, prefixes_.get());
}

std::vector<std::vector<std::string>> LocalLanguageModel::likely_tokens(
    const std::vector<std::string>& prompts, std::int64_t count) const {
  const Tokenizer& tokenizer = model_.tokenizer();
  std::vector<std::vector<std::string>> texts;
  for (const std::string& prompt : prompts) {
    texts.emplace_back();
    for (const std::int64_t id : likely_ids(model_, tokenizer.ids(prompt), count)) {
      texts.back().push_back(tokenizer.decode({id}));
    }
  }
  return texts;
}

std::string LocalLanguageModel::name() const { return model_.fingerprint(); }

}  // namespace kedit
