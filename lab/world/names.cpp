#include "lab/world/names.hpp"

#include <array>

namespace kedit::lab {
namespace {

constexpr std::array<std::string_view, 24> kOnsets = {"b",  "br", "c", "d",  "dr", "f",  "g", "gr",
                                                      "h",  "j",  "k", "kl", "l",  "m",  "n", "p",
                                                      "pr", "r",  "s", "st", "t",  "tr", "v", "z"};
constexpr std::array<std::string_view, 7> kVowels = {"a", "e", "i", "o", "u", "ai", "ei"};
constexpr std::array<std::string_view, 7> kCodas = {"l", "m", "n", "r", "s", "t", "k"};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::string NameMaker::nonsense(Random& random, int syllables) {
  for (;;) {
    std::string word;
    for (int i = 0; i < syllables; ++i) {
      word += kOnsets[static_cast<std::size_t>(random.below(kOnsets.size()))];
      word += kVowels[static_cast<std::size_t>(random.below(kVowels.size()))];
      if (random.below(4) == 0)
        word += kCodas[static_cast<std::size_t>(random.below(kCodas.size()))];
    }
    if (word.size() < 3 || word.size() > 9) continue;
    word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
  }
}

std::string NameMaker::word(int syllables) { return word_with(syllables, ""); }

std::string NameMaker::word_with(int syllables, std::string_view suffix) {
  for (;;) {
    const std::string stem = nonsense(random_, syllables);
    const std::string whole = stem + std::string(suffix);
    if (!suffix.empty() && stem.back() == suffix.front()) continue;  // no "Hirdeiia"
    if (is_real_name(stem) || is_real_name(whole)) continue;
    if (used_.count(lower_case(stem)) != 0 || used_.count(lower_case(whole)) != 0) continue;
    used_.insert(lower_case(stem));
    used_.insert(lower_case(whole));
    return whole;
  }
}

}  // namespace kedit::lab
