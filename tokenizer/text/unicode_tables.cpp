#include "tokenizer/text/unicode_tables.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kedit {
namespace {

struct CodePointRange {
  char32_t first, last;
};

#include "tokenizer/text/unicode_tables.inc"

template <typename Ranges>
bool holds(const Ranges& ranges, char32_t value) {
  const auto range = std::lower_bound(
      ranges.begin(), ranges.end(), value,
      [](const CodePointRange& candidate, char32_t wanted) { return candidate.last < wanted; });
  return range != ranges.end() && range->first <= value;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kLater = {{
    {"L", kLaterL},
    {"Lu", kLaterLu},
    {"Ll", kLaterLl},
    {"Lm", kLaterLm},
    {"Lo", kLaterLo},
    {"M", kLaterM},
    {"Mn", kLaterMn},
    {"Mc", kLaterMc},
    {"N", kLaterN},
    {"Nd", kLaterNd},
    {"Nl", kLaterNl},
    {"No", kLaterNo},
    {"P", kLaterP},
    {"Po", kLaterPo},
    {"Pc", kLaterPc},
    {"S", kLaterS},
    {"Sm", kLaterSm},
    {"So", kLaterSo},
}};

}  // namespace

bool is_reference_mark(char32_t value) { return holds(kReferenceMarks, value); }

bool is_reference_nonspacing_mark(char32_t value) {
  return holds(kReferenceNonspacingMarks, value);
}

bool is_reference_control(char32_t value) { return holds(kReferenceControls, value); }

bool is_reference_word(char32_t value) { return holds(kReferenceWord, value); }

bool is_without_decomposition(char32_t value) { return holds(kUnknownDecompositions, value); }

bool is_unordered_mark(char32_t value) { return holds(kUnorderedMarks, value); }

char32_t later_lowercase(char32_t value) {
  const auto pair = std::lower_bound(
      kLaterLowercase.begin(), kLaterLowercase.end(), value,
      [](const auto& candidate, char32_t wanted) { return candidate.first < wanted; });
  return pair != kLaterLowercase.end() && pair->first == value ? pair->second : 0;
}

std::string_view later_members(std::string_view category) {
  for (const auto& [name, members] : kLater) {
    if (name == category) return members;
  }
  return {};
}

std::string_view other_word_members(bool within_class) {
  return within_class ? kOtherWordInClass : kOtherWord;
}

std::string_view punctuation_members() { return kReferencePunctuation; }

}  // namespace kedit
