#include "eval/metrics/metric_table.hpp"

#include <algorithm>

namespace kedit::metrics {

double share(const ForcedScore& score) {
  return score.tokens > 0 ? static_cast<double>(score.matched) / static_cast<double>(score.tokens)
                          : 0.0;
}

Measured mean_forced(const JudgedCase& one, PromptKind kind, bool compared, ForcedValue value) {
  Measured mean;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < one.outputs.size(); ++i) {
    const JudgedOutput& gold = one.outputs[i];
    if (gold.prompt->kind != kind || gold.prompt->rival.empty() == compared) continue;
    if (gold.output->kind != OutputKind::forced) continue;
    const JudgedOutput* rival = i + 1 < one.outputs.size() ? &one.outputs[i + 1] : nullptr;
    if (compared && (rival == nullptr || rival->prompt != gold.prompt)) continue;
    mean.hit += value(gold.output->forced, compared ? &rival->output->forced : nullptr);
    ++answered;
  }
  const bool has_prompts =
      std::any_of(one.of->prompts.begin(), one.of->prompts.end(), [&](const Prompt& prompt) {
        return prompt.kind == kind && prompt.rival.empty() != compared;
      });
  if (answered > 0) mean.hit /= static_cast<double>(answered);
  mean.asked = answered > 0;
  mean.n = as_number(has_prompts);
  return mean;
}

}  // namespace kedit::metrics
