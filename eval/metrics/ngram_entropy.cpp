#include "eval/metrics/ngram_entropy.hpp"

#include "eval/metrics/words.hpp"
#include "tokenizer/text/utf8.hpp"

#include <cmath>
#include <limits>
#include <map>

namespace kedit::metrics {

std::vector<std::string> words_of(std::string_view text, const SentenceModel& sentences) {
  const std::string clean = tokenizer::replace_invalid_utf8(text);
  std::vector<std::string> words;
  for (const std::string_view sentence : sentences.sentences(clean)) {
    for (std::string& word : words_of_sentence(sentence)) words.push_back(std::move(word));
  }
  return words;
}

double ngram_entropy(const std::vector<std::string>& words, std::size_t n) {
  if (words.size() < n) return 0.0;
  std::map<std::vector<std::string>, double> counts;
  const std::size_t ngrams = words.size() - n + 1;
  for (std::size_t i = 0; i < ngrams; ++i) {
    const auto first = words.begin() + static_cast<std::ptrdiff_t>(i);
    counts[{first, first + static_cast<std::ptrdiff_t>(n)}] += 1.0;
  }
  double entropy = 0.0;
  for (const auto& [ngram, count] : counts) {
    const double share = count / static_cast<double>(ngrams);
    entropy -= share * std::log2(share);
  }
  return entropy;
}

double fluency(const std::vector<std::string>& words) {
  return (2.0 / 3.0 * ngram_entropy(words, 2) + 4.0 / 3.0 * ngram_entropy(words, 3)) / 2.0;
}

double mean_fluency(const std::vector<std::string>& texts, const SentenceModel& sentences) {
  if (texts.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0.0;
  for (const std::string& text : texts) sum += fluency(words_of(text, sentences));
  return sum / static_cast<double>(texts.size());
}

}  // namespace kedit::metrics
