#pragma once

#include "eval/metrics/outputs.hpp"
#include "eval/metrics/punkt.hpp"
#include "eval/metrics/snippets.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kedit::metrics {

/// What texts are judged by.
struct TextJudge {
  SentenceModel sentences{};
  std::shared_ptr<const Snippets> snippets{};  ///< Null: no reference score.

  /// Fluency of `texts`, and their consistency with the snippets of a relation and an object, where
  /// there are some; of all texts together, joined by blanks.
  TextScores judge(const std::vector<std::string>& texts, const std::string& relation,
                   const std::string& target) const;
};

/// exp(-sum / n): the perplexity of a text by the log-probabilities of all of its tokens but the
/// first, where n counts the first one too.
double perplexity(const std::vector<double>& logprobs);

}  // namespace kedit::metrics
