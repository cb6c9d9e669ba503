#pragma once

#include "eval/metrics/punkt.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kedit::metrics {

/// Words of a text as NLTK 3.7's `word_tokenize` has them: of each of its sentences in turn.
std::vector<std::string> words_of(std::string_view text, const SentenceModel& sentences);

/// Entropy of a text's n-grams, bits; they run over the ends of sentences. 0 for fewer than n
/// words.
double ngram_entropy(const std::vector<std::string>& words, std::size_t n);

/// Fluency of one text (GE of the ROME and MEMIT harness, without its factor of 100): bigrams
/// weigh 2/3 and trigrams 4/3, and the mean of the two is taken. Repetitive text scores low.
double fluency(const std::vector<std::string>& words);

/// Mean fluency of texts, NaN for none.
double mean_fluency(const std::vector<std::string>& texts, const SentenceModel& sentences);

}  // namespace kedit::metrics
