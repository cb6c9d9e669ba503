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

std::optional<std::vector<double>> LanguageModel::text_logprobs(const std::string&,
                                                                std::int64_t) const {
  return std::nullopt;
}

std::optional<std::int64_t> LanguageModel::token_count(const std::string&) const {
  return std::nullopt;
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

std::optional<std::vector<double>> LocalLanguageModel::text_logprobs(
    const std::string& text, std::int64_t max_tokens) const {
  std::vector<std::int64_t> ids = model_.tokenizer().ids(text);
  if (static_cast<std::int64_t>(ids.size()) > max_tokens) {
    ids.resize(static_cast<std::size_t>(max_tokens));
  }
  if (ids.size() < 2) return std::vector<double>{};
  const std::vector<std::int64_t> rest(ids.begin() + 1, ids.end());
  return score_ids(model_, {{{ids.front()}, rest}}, batch_rows_).front().token_logprobs;
}

std::optional<std::int64_t> LocalLanguageModel::token_count(const std::string& prompt) const {
  return static_cast<std::int64_t>(model_.tokenizer().ids(prompt).size());
}

std::string LocalLanguageModel::name() const { return model_.fingerprint(); }

}  // namespace kedit
