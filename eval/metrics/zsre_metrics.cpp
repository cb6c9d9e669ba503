// Teacher-forced token accuracies on zsRE.
#include "eval/metrics/metric_table.hpp"

namespace kedit::metrics {
namespace {

double token_share(const ForcedScore& gold, const ForcedScore*) { return share(gold); }

template <PromptKind kind>
Measured forced_tokens(const JudgedCase& one) {
  return mean_forced(one, kind, false, token_share);
}

}  // namespace

std::vector<Metric> zsre_metrics() {
  const ProbabilitySection section{"zsRE"};
  return {
      section.metric("zsre_efficacy", "zsRE efficacy", "efficacy",
                     "Share of the answer's tokens that are the most probable ones under teacher "
                     "forcing after the edited question.",
                     "MEND, ROME", forced_tokens<PromptKind::rewrite>),
      section.metric("zsre_paraphrase", "zsRE paraphrase", "paraphrase",
                     "The same after the question rephrased.", "MEND, ROME",
                     forced_tokens<PromptKind::paraphrase>),
      section.metric("zsre_specificity", "zsRE specificity", "specificity",
                     "The same for an unrelated question against the dataset's answer.",
                     "MEND, ROME", forced_tokens<PromptKind::locality>),
      section.harmonic("zsre_score", "zsRE score", "harmonic_mean", "Harmonic mean of the three.",
                       "MEMIT", {"zsre_efficacy", "zsre_paraphrase", "zsre_specificity"}),
  };
}

}  // namespace kedit::metrics
