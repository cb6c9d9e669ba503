#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kedit::metrics {

/// The words of one sentence as NLTK 3.7's `word_tokenize` has them (the Penn Treebank's rules with
/// later additions): marks stand alone, contractions are split, quotes become `` and ''. White
/// space, letters and digits are Unicode's. What is not UTF-8 becomes U+FFFD.
std::vector<std::string> words_of_sentence(std::string_view sentence);

}  // namespace kedit::metrics
