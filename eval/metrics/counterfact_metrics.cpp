// ES, PS, NS and their magnitudes, as the ROME authors' harness has them on CounterFact.
#include "eval/metrics/metric_table.hpp"

#include <cmath>

namespace kedit::metrics {
namespace {

// The smaller negative log-likelihood per token is the more probable text; a tie is none.
double preferred(const ForcedScore& gold, const ForcedScore* rival) {
  return as_number(-gold.mean_logprob() < -rival->mean_logprob());
}
double margin(const ForcedScore& gold, const ForcedScore* rival) {
  return std::exp(gold.mean_logprob()) - std::exp(rival->mean_logprob());
}

template <PromptKind kind>
Measured preference(const JudgedCase& one) {
  return mean_forced(one, kind, true, preferred);
}
template <PromptKind kind>
Measured preference_margin(const JudgedCase& one) {
  return mean_forced(one, kind, true, margin);
}

}  // namespace

std::vector<Metric> counterfact_metrics() {
  const ProbabilitySection section{"CounterFact"};
  return {
      section.metric("counterfact_es", "ES", "ES",
                     "Share of records where the new object is more probable than the true one "
                     "after the edited prompt, by mean log-probability per token.",
                     "ROME", preference<PromptKind::rewrite>),
      section.metric("counterfact_ps", "PS", "PS",
                     "The same after paraphrases, averaged per record.", "ROME",
                     preference<PromptKind::paraphrase>),
      section.metric("counterfact_ns", "NS", "NS",
                     "Share of prompts about other subjects where the true object stays the more "
                     "probable one, averaged per record.",
                     "ROME", preference<PromptKind::locality>),
      section.harmonic("counterfact_s", "S", "S", "Harmonic mean of ES, PS and NS.", "ROME",
                       {"counterfact_es", "counterfact_ps", "counterfact_ns"}),
      section.magnitude("counterfact_em", "EM",
                        "Probability of the new object less that of the true one after the edited "
                        "prompt, each the geometric mean over its tokens.",
                        preference_margin<PromptKind::rewrite>),
      section.magnitude("counterfact_pm", "PM", "The same after paraphrases, averaged per record.",
                        preference_margin<PromptKind::paraphrase>),
      section.magnitude(
          "counterfact_nm", "NM",
          "Probability of the true object less that of the new one after prompts about "
          "other subjects, averaged per record.",
          preference_margin<PromptKind::locality>),
  };
}

}  // namespace kedit::metrics
