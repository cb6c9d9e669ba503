#include "tokenizer/text/folded_letters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace kedit::tokenizer {
namespace {

// CaseFolding.txt, the full foldings to ASCII letters alone.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kFoldings = {{
    {"ss", R"(\x{df})"},
    {"ss", R"(\x{1e9e})"},
    {"ff", R"(\x{fb00})"},
    {"fi", R"(\x{fb01})"},
    {"fl", R"(\x{fb02})"},
    {"ffi", R"(\x{fb03})"},
    {"ffl", R"(\x{fb04})"},
    {"st", R"(\x{fb05})"},
    {"st", R"(\x{fb06})"},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Whether a folding begins here or goes on over here.
bool touches_folding(const std::string& text, std::size_t at) {
  for (const auto& [letters, character] : kFoldings) {
    if (text.compare(at, letters.size(), letters) == 0) return true;
  }
  return false;
}

// Every way to write text[at..end) with letters and the characters that stand for several.
void spell(std::string_view written, const std::string& text, std::size_t at, std::size_t end,
           const std::string& so_far, std::vector<std::string>& ways) {
  if (at == end) return ways.push_back(so_far);
  spell(written, text, at + 1, end, so_far + written[at], ways);
  for (const auto& [letters, character] : kFoldings) {
    if (at + letters.size() > end || text.compare(at, letters.size(), letters) != 0) continue;
    spell(written, text, at + letters.size(), end, so_far + std::string(character), ways);
  }
}

}  // namespace

std::string folded_letters(std::string_view letters) {
  const std::string text = lower(letters);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (!touches_folding(text, at)) {
      out += letters[at++];
      continue;
    }
    std::size_t end = at + 2;  // the stretch of foldings that overlap
    for (std::size_t next = at; next < end; ++next) {
      for (const auto& [part, character] : kFoldings) {
        if (text.compare(next, part.size(), part) == 0) end = std::max(end, next + part.size());
      }
    }
    std::vector<std::string> ways;
    spell(letters, text, at, end, "", ways);
    out += fmt::format("(?:{})", fmt::join(ways, "|"));
    at = end;
  }
  return out;
}

bool folds_across(std::string_view before, std::string_view after) {
  const std::string head = lower(before);
  const std::string tail = lower(after);
  for (const auto& [letters, character] : kFoldings) {
    for (std::size_t cut = 1; cut < letters.size(); ++cut) {
      const std::string_view rest = letters.substr(cut, tail.size());
      if (head.ends_with(letters.substr(0, cut)) && tail.starts_with(rest)) return true;
    }
  }
  return false;
}

bool is_caseless(char32_t value) {
  const auto point = static_cast<utf8proc_int32_t>(value);
  const auto category = utf8proc_category(point);
  const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME;
  const bool unknown = category == UTF8PROC_CATEGORY_CN;
  // Letters of scripts with one case, as far as nothing folds to them.
  const bool ideograph =
      (value >= 0x3041 && value <= 0xA4CF) || (value >= 0xAC00 && value <= 0xD7A3);
  return ideograph || (!letter && !unknown && utf8proc_tolower(point) == point &&
                       utf8proc_toupper(point) == point);
}

}  // namespace kedit::tokenizer
