#pragma once

#include "model/edited_model.hpp"
#include "model/language_model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit {

namespace generation {
class PrefixCache;
}

/// Memory that a LocalLanguageModel may keep beginnings of prompts in.
constexpr std::int64_t kPrefixBytes = std::int64_t{1} << 30;

/// Generation from token ids, batched with a KV cache: rows of different length share a batch, each
/// result equals the single-row result. Greedy ties go to the lowest id. Equal prompts are computed
/// once, and so are beginnings that several prompts share, or that `prefixes` (may be null) has
/// from earlier calls: that changes no result. At most `batch_rows` rows run together. Result
/// [prompt * samples + sample]; texts are empty when the model has no tokenizer. Throws
/// `std::invalid_argument` for options out of range (and for stop strings without a tokenizer),
/// `ModelError` for an empty prompt, an id outside the vocabulary or a prompt longer than a learned
/// position table.
std::vector<Generation> generate_ids(const EditedModel& model,
                                     const std::vector<std::vector<std::int64_t>>& prompts,
                                     const GenerateOptions& options, std::int64_t batch_rows = 64,
                                     generation::PrefixCache* prefixes = nullptr);

/// Log-probabilities of given continuations; continuations of an identical prompt share its
/// prefill. An empty continuation has no tokens and matches. Throws as `generate_ids` does.
std::vector<ContinuationScore> score_ids(
    const EditedModel& model,
    const std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>>& pairs,
    std::int64_t batch_rows = 64, generation::PrefixCache* prefixes = nullptr);

/// How probable each token is after one prompt: [vocab] float32, CPU. Throws as `generate_ids`
/// does.
at::Tensor next_probabilities(const EditedModel& model, const std::vector<std::int64_t>& prompt);

/// The `count` most probable next ids after one prompt, most probable first.
std::vector<std::int64_t> likely_ids(const EditedModel& model,
                                     const std::vector<std::int64_t>& prompt, std::int64_t count);

/// An EditedModel as a LanguageModel: encodes with the model's tokenizer, special tokens as its
/// file says. A continuation is encoded by itself, so its leading blank belongs to it. Keeps a
/// reference: the model must outlive it, and mounting or unmounting shows at once. Beginnings of
/// prompts are kept for the next calls, up to `prefix_bytes`.
class LocalLanguageModel : public LanguageModel {
 public:
  explicit LocalLanguageModel(const EditedModel& model, std::int64_t batch_rows = 64,
                              std::int64_t prefix_bytes = kPrefixBytes);

  std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                   const GenerateOptions& options) const override;
  std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const override;
  std::vector<std::vector<std::string>> likely_tokens(const std::vector<std::string>& prompts,
                                                      std::int64_t count) const override;
  std::optional<std::vector<double>> text_logprobs(const std::string& text,
                                                   std::int64_t max_tokens) const override;
  std::optional<std::int64_t> token_count(const std::string& prompt) const override;
  std::string name() const override;

 private:
  const EditedModel& model_;
  std::int64_t batch_rows_;
  std::shared_ptr<generation::PrefixCache> prefixes_;  // of all copies of this object
};

}  // namespace kedit
