#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/edited_model.hpp"
#include "model/language_model.hpp"

namespace kedit {

/// Generation from token ids, batched with a KV cache: rows of different length share a batch, each
/// result equals the single-row result. Greedy ties go to the lowest id.
/// Result [prompt * samples + sample].
std::vector<Generation> generate_ids(const EditedModel& model,
                                     const std::vector<std::vector<std::int64_t>>& prompts,
                                     const GenerateOptions& options);

/// Log-probabilities of given continuations; continuations of an identical prompt share its prefill.
std::vector<ContinuationScore> score_ids(
    const EditedModel& model,
    const std::vector<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>>& pairs);

/// An EditedModel as a LanguageModel: encodes with the model's tokenizer, special tokens as its file
/// says. Keeps a reference: the model must outlive it, and mounting or unmounting shows at once.
class LocalLanguageModel : public LanguageModel {
 public:
  explicit LocalLanguageModel(const EditedModel& model, std::int64_t batch_rows = 64);

  std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                   const GenerateOptions& options) const override;
  std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const override;
  std::string name() const override;

 private:
  const EditedModel& model_;
  std::int64_t batch_rows_;
};

}  // namespace kedit
