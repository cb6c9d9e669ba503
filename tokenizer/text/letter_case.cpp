#include "tokenizer/text/letter_case.hpp"

#include "tokenizer/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

namespace kedit::tokenizer {
namespace {

struct CodePointRange {
  char32_t first, last;
};

// A character whose upper or title case is two or three; unused places are 0.
struct SeveralLetters {
  char32_t from;
  std::array<char32_t, 3> to;
};

#include "tokenizer/text/letter_case.inc"

template <typename Ranges>
bool holds(const Ranges& ranges, char32_t value) {
  const auto range = std::lower_bound(
      ranges.begin(), ranges.end(), value,
      [](const CodePointRange& candidate, char32_t wanted) { return candidate.last < wanted; });
  return range != ranges.end() && range->first <= value;
}

constexpr char32_t kNoCharacter = 0xFFFFFFFF;  // a byte that is not UTF-8
constexpr char32_t kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;

// A character, or a byte that belongs to none, and where it stands.
struct Letter {
  char32_t value;
  std::string_view bytes;
};

std::vector<Letter> letters_of(std::string_view text) {
  std::vector<Letter> letters;
  letters.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t value = -1;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &value);
    const std::size_t bytes = used > 0 ? static_cast<std::size_t>(used) : 1;
    letters.push_back(
        {used > 0 ? static_cast<char32_t>(value) : kNoCharacter, text.substr(at, bytes)});
    at += bytes;
  }
  return letters;
}

using Letters = std::vector<Letter>;

// Python looks past what has no say in case, then for a letter that has case.
template <typename Iterator>
bool cased_letter_first(Iterator begin, Iterator end) {
  const auto found = std::find_if_not(
      begin, end, [](const Letter& letter) { return holds(kCaseIgnorable, letter.value); });
  return found != end && holds(kCased, found->value);
}

bool ends_word(const Letters& letters, std::size_t at) {
  const auto here = letters.begin() + static_cast<std::ptrdiff_t>(at);
  const auto before = letters.rend() - static_cast<std::ptrdiff_t>(at);
  return cased_letter_first(before, letters.rend()) && !cased_letter_first(here + 1, letters.end());
}

template <typename Table>
bool append_several(std::string& out, const Table& table, char32_t value) {
  const auto found = std::lower_bound(
      table.begin(), table.end(), value,
      [](const SeveralLetters& entry, char32_t wanted) { return entry.from < wanted; });
  if (found == table.end() || found->from != value) return false;
  for (const char32_t part : found->to) {
    if (part != 0) append_utf8(out, part);
  }
  return true;
}

void append_upper(std::string& out, const Letter& letter) {
  if (letter.value == kNoCharacter) {
    out += letter.bytes;
  } else if (!append_several(out, kSeveralUpper, letter.value)) {
    append_utf8(
        out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(letter.value))));
  }
}

void append_title(std::string& out, const Letter& letter) {
  if (letter.value == kNoCharacter) {
    out += letter.bytes;
  } else if (!append_several(out, kSeveralTitle, letter.value)) {
    append_utf8(
        out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(letter.value))));
  }
}

void append_lower(std::string& out, const Letters& letters, std::size_t at) {
  constexpr char32_t kDottedCapitalI = 0x130, kDotAbove = 0x307;
  const Letter& letter = letters[at];
  if (letter.value == kNoCharacter) {
    out += letter.bytes;
  } else if (letter.value == kCapitalSigma) {
    append_utf8(out, ends_word(letters, at) ? kFinalSigma : kSigma);
  } else if (letter.value == kDottedCapitalI) {
    out += 'i';
    append_utf8(out, kDotAbove);
  } else {
    append_utf8(
        out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(letter.value))));
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; });
}

// Most answers are plain ASCII, and millions are compared.
std::string mapped_ascii(std::string_view text, char first, char offset) {
  std::string out(text);
  for (char& c : out) {
    if (c >= first && c < first + 26) c = static_cast<char>(c + offset);
  }
  return out;
}

}  // namespace

std::string upper_case(std::string_view text) {
  if (is_ascii(text)) return mapped_ascii(text, 'a', 'A' - 'a');
  std::string out;
  for (const Letter& letter : letters_of(text)) append_upper(out, letter);
  return out;
}

std::string lower_case(std::string_view text) {
  if (is_ascii(text)) return mapped_ascii(text, 'A', 'a' - 'A');
  std::string out;
  const Letters letters = letters_of(text);
  for (std::size_t i = 0; i < letters.size(); ++i) append_lower(out, letters, i);
  return out;
}

std::string title_case(std::string_view text) {
  std::string out;
  const Letters letters = letters_of(text);
  bool within = false;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (within) {
      append_lower(out, letters, i);
    } else {
      append_title(out, letters[i]);
    }
    within = holds(kCased, letters[i].value);
  }
  return out;
}

std::string capitalized(std::string_view text) {
  std::string out;
  const Letters letters = letters_of(text);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (i == 0) {
      append_title(out, letters[i]);
    } else {
      append_lower(out, letters, i);
    }
  }
  return out;
}

bool is_python_space(char32_t value) {
  return (value >= 0x1C && value <= 0x1F) || is_unicode_space(value);
}

}  // namespace kedit::tokenizer
