#pragma once

#include "lab/world/random.hpp"

#include <set>
#include <string>
#include <string_view>

namespace kedit::lab {

/// True for the name of a real country, city, language, religion or continent (lists in
/// real_names.cpp), or a common given name; letter case does not matter.
bool is_real_name(std::string_view name);

/// Draws invented words: syllables of onset, vowel and, one time in four, a coda; 3 to 9 letters.
class NameMaker {
 public:
  explicit NameMaker(Random& random) : random_(random) {}

  /// A capitalised word that is no real name and was not drawn before.
  std::string word(int syllables);
  /// The same with `suffix` behind it; word and whole are both checked.
  std::string word_with(int syllables, std::string_view suffix);

  /// An unchecked word, for texts in which any nonsense will do.
  static std::string nonsense(Random& random, int syllables);

 private:
  Random& random_;
  std::set<std::string> used_;
};

}  // namespace kedit::lab
