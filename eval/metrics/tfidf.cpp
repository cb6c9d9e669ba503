#include "eval/metrics/tfidf.hpp"

#include "tokenizer/text/letter_case.hpp"
#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

#include <cmath>
#include <set>

namespace kedit::metrics {
namespace {

// Letters and numbers of every kind, and the underscore: Python's \w.
bool stands_in_word(char32_t value) {
  const char* category = utf8proc_category_string(static_cast<utf8proc_int32_t>(value));
  return value == U'_' || category[0] == 'L' || category[0] == 'N';
}

std::vector<std::string> indexed_words(std::string_view text) {
  const std::string lower = tokenizer::lower_case(tokenizer::replace_invalid_utf8(text));
  std::vector<std::string> words;
  std::size_t begin = 0, characters = 0;
  const auto close = [&](std::size_t end) {
    if (characters >= 2) words.push_back(lower.substr(begin, end - begin));
    characters = 0;
  };
  for (std::size_t at = 0; at < lower.size();) {
    const tokenizer::CodePoint one = tokenizer::code_point_at(lower, at);
    if (!stands_in_word(one.value)) {
      close(at);
    } else if (characters++ == 0) {
      begin = at;
    }
    at += one.bytes;
  }
  close(lower.size());
  return words;
}

}  // namespace

TfIdf::TfIdf(const std::vector<std::string>& documents) {
  std::map<std::string, double> documents_with;
  for (const std::string& document : documents) {
    const std::vector<std::string> words = indexed_words(document);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) {
      documents_with[word] += 1.0;
    }
  }
  const double all = 1.0 + static_cast<double>(documents.size());
  for (const auto& [word, count] : documents_with) {
    inverse_frequencies_[word] = std::log(all / (1.0 + count)) + 1.0;
  }
}

double TfIdf::inverse_frequency(const std::string& word) const {
  const auto found = inverse_frequencies_.find(word);
  return found == inverse_frequencies_.end() ? 0.0 : found->second;
}

TfIdf::Vector TfIdf::vector_of(std::string_view text) const {
  Vector vector;
  for (const std::string& word : indexed_words(text)) {
    const double weight = inverse_frequency(word);
    if (weight > 0.0) vector[word] += weight;
  }
  return vector;
}

double TfIdf::cosine(std::string_view first, std::string_view second) const {
  const Vector a = vector_of(first), b = vector_of(second);
  double product = 0.0, a_squared = 0.0, b_squared = 0.0;
  for (const auto& [word, weight] : a) {
    a_squared += weight * weight;
    const auto other = b.find(word);
    if (other != b.end()) product += weight * other->second;
  }
  for (const auto& [word, weight] : b) b_squared += weight * weight;
  return product / std::sqrt(a_squared * b_squared);  // 0 / 0 where a vector is empty
}

}  // namespace kedit::metrics
