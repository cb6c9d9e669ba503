#include "eval/metrics/text_scores.hpp"

#include "eval/metrics/ngram_entropy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>

namespace kedit::metrics {

TextScores TextJudge::judge(const std::vector<std::string>& texts, const std::string& relation,
                            const std::string& target) const {
  TextScores scores;
  scores.ngram_entropy = mean_fluency(texts, sentences);
  if (snippets && snippets->has(relation, target)) {
    scores.reference_score = snippets->index().cosine(fmt::format("{}", fmt::join(texts, " ")),
                                                      snippets->about_object(relation, target));
  }
  return scores;
}

double perplexity(const std::vector<double>& logprobs) {
  const double sum = std::accumulate(logprobs.begin(), logprobs.end(), 0.0);
  return std::exp(-sum / static_cast<double>(logprobs.size() + 1));
}

}  // namespace kedit::metrics
