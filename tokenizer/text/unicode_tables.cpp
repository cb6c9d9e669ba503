#include "tokenizer/text/unicode_tables.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kedit::tokenizer {
namespace {

struct CodePointRange {
  char32_t first, last;
};

struct Composition {
  char32_t whole, first, last;
};

#include "tokenizer/text/unicode_tables.inc"

template <typename Ranges>
bool holds(const Ranges& ranges, char32_t value) {
  const auto range = std::lower_bound(
      ranges.begin(), ranges.end(), value,
      [](const CodePointRange& candidate, char32_t wanted) { return candidate.last < wanted; });
  return range != ranges.end() && range->first <= value;
}

}  // namespace

bool is_reference_mark(char32_t value) { return holds(kReferenceMarks, value); }

bool is_reference_nonspacing_mark(char32_t value) {
  return holds(kReferenceNonspacingMarks, value);
}

bool is_reference_control(char32_t value) { return holds(kReferenceControls, value); }

bool is_reference_word(char32_t value) { return holds(kReferenceWord, value); }

bool is_without_decomposition(char32_t value) { return holds(kUnknownDecompositions, value); }

std::optional<std::pair<char32_t, char32_t>> young_composition(char32_t value) {
  const auto found = std::find_if(kYoungCompositions.begin(), kYoungCompositions.end(),
                                  [&](const auto& entry) { return entry.whole == value; });
  if (found == kYoungCompositions.end()) return std::nullopt;
  return std::pair(found->first, found->last);
}

bool is_unordered_mark(char32_t value) { return holds(kUnorderedMarks, value); }

char32_t later_lowercase(char32_t value) {
  const auto pair = std::lower_bound(
      kLaterLowercase.begin(), kLaterLowercase.end(), value,
      [](const auto& candidate, char32_t wanted) { return candidate.first < wanted; });
  return pair != kLaterLowercase.end() && pair->first == value ? pair->second : 0;
}

std::string_view punctuation_members() { return kReferencePunctuation; }

}  // namespace kedit::tokenizer
