#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::metrics {

/// Unigram TF-IDF with smoothed inverse document frequencies and vectors of length 1, as
/// scikit-learn's TfidfVectorizer has it. Words are maximal runs of two or more letters, digits or
/// underscores of the lower-cased text (Unicode); words that no document has do not count.
class TfIdf {
 public:
  explicit TfIdf(const std::vector<std::string>& documents);

  /// ln((1 + documents) / (1 + documents with the word)) + 1; 0 for a word of no document.
  double inverse_frequency(const std::string& word) const;
  std::size_t vocabulary_size() const { return inverse_frequencies_.size(); }

  /// Cosine of two texts' vectors; NaN when one of them has no word of the vocabulary.
  double cosine(std::string_view first, std::string_view second) const;

 private:
  using Vector = std::map<std::string, double>;
  Vector vector_of(std::string_view text) const;

  std::map<std::string, double> inverse_frequencies_;
};

}  // namespace kedit::metrics
