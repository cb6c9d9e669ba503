// CounterFact as the ROME authors' harness has it: ES, PS, NS and their magnitudes, MEMIT's exact
// match, and what is said of generated texts.
#include "eval/metrics/metric_table.hpp"

#include <cmath>
#include <limits>

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

// Every token of the gold is the most probable one. Records of which only log-likelihoods were kept
// do not tell.
template <PromptKind kind>
Measured exact_match(const JudgedCase& one) {
  for (const JudgedOutput& judged : one.outputs) {
    const bool is_gold = judged.prompt->kind == kind && judged.output->kind == OutputKind::forced;
    if (is_gold && judged.output->forced.tokens == 0) return {};
  }
  return mean_forced(one, kind, true, [](const ForcedScore& gold, const ForcedScore*) {
    return as_number(gold.recalled);
  });
}

// A record that was not asked for texts, or whose texts have no such score, does not count.
template <std::optional<double> TextScores::*score>
Measured text_score(const JudgedCase& one) {
  const std::optional<double> value = one.texts.*score;
  if (!value || std::isnan(*value)) return {};
  return {*value, 1.0, true};
}

Metric without_limit(Metric metric) {
  metric.info.highest = std::numeric_limits<double>::infinity();
  return metric;
}

Metric as_it_is(Metric metric) {
  metric.info.times_100 = false;
  return metric;
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
      section.metric("counterfact_rewrite_acc", "Exact match, edit", "rewrite_acc",
                     "Share of records where every token of the new object is the most probable "
                     "one under teacher forcing after the edited prompt.",
                     "MEMIT", exact_match<PromptKind::rewrite>),
      section.metric("counterfact_paraphrase_acc", "Exact match, paraphrases", "paraphrase_acc",
                     "The same after paraphrases, averaged per record.", "MEMIT",
                     exact_match<PromptKind::paraphrase>),
      section.metric("counterfact_neighborhood_acc", "Exact match, other subjects",
                     "neighborhood_acc",
                     "The same of the true object after prompts about other subjects, averaged per "
                     "record.",
                     "MEMIT", exact_match<PromptKind::locality>),
      without_limit(section.metric(
          "counterfact_ge", "Fluency (GE)", "GE",
          "Entropy of bigrams and trigrams of sampled texts about the subject, bits (a third of "
          "the bigrams', two thirds of the trigrams'), times 100 in tables.",
          "ROME", text_score<&TextScores::ngram_entropy>)),
      section.metric("counterfact_rs", "Consistency (RS)", "RS",
                     "Cosine of unigram TF-IDF vectors of these texts and of reference texts about "
                     "entities that do have the new object.",
                     "ROME", text_score<&TextScores::reference_score>),
      as_it_is(without_limit(section.metric(
          "counterfact_essence", "Essence (perplexity)", "essence",
          "Perplexity of the reference texts about the subject itself, at most 100 tokens; less "
          "is better.",
          "ROME", text_score<&TextScores::essence_score>))),
  };
}

}  // namespace kedit::metrics
