#include "tokenizer/added_tokens.hpp"

#include "tokenizer/text/unicode_tables.hpp"
#include "tokenizer/text/utf8.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace kedit::tokenizer {
namespace {

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const bool word_before = begin > 0 && is_reference_word(code_point_before(text, begin).value);
  const bool word_after = end < text.size() && is_reference_word(code_point_at(text, end).value);
  return !word_before && !word_after;
}

// Where the white space before `end` begins, but not before `least`.
std::size_t spaces_begin(std::string_view text, std::size_t end, std::size_t least) {
  while (end > least) {
    const CodePoint before = code_point_before(text, end);
    if (!is_unicode_space(before.value)) break;
    end -= before.bytes;
  }
  return end;
}

std::size_t spaces_end(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const CodePoint next = code_point_at(text, begin);
    if (!is_unicode_space(next.value)) break;
    begin += next.bytes;
  }
  return begin;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::vector<std::pair<std::string_view, std::int32_t>> strings;
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::string& content = entries_[i].content;
    if (content.empty() || !seen.insert(content).second) continue;
    strings.emplace_back(content, static_cast<std::int32_t>(i));
    first_bytes_[static_cast<unsigned char>(content.front())] = true;
  }
  trie_ = PrefixTrie(std::move(strings));
}

std::optional<TokenSection> AddedTokenMatcher::next(std::string_view text, std::size_t from) const {
  if (trie_.empty()) return std::nullopt;
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!first_bytes_[static_cast<unsigned char>(text[begin])]) continue;
    TokenSection match;
    trie_.for_each_prefix(text.substr(begin), [&](std::size_t bytes, std::int32_t index) {
      match = {entries_[static_cast<std::size_t>(index)].token, begin, begin + bytes};
    });
    if (match.token != nullptr) return match;
  }
  return std::nullopt;
}

std::vector<TokenSection> AddedTokenMatcher::sections(std::string_view text,
                                                      bool split_special) const {
  std::vector<TokenSection> sections;
  std::size_t done = 0;
  std::size_t from = 0;
  while (const auto match = next(text, from)) {
    from = match->end;
    if (split_special && match->token->special) continue;
    if (match->token->single_word && !stands_alone(text, match->begin, match->end)) continue;
    std::size_t begin = match->begin;
    std::size_t end = match->end;
    // White space may have gone to the token before already, and is not gone through again.
    if (match->token->lstrip) begin = std::max(spaces_begin(text, begin, done), done);
    if (match->token->rstrip) end = spaces_end(text, std::max(end, done));
    if (done < begin) sections.push_back({nullptr, done, begin});
    sections.push_back({match->token, begin, end});
    done = end;
  }
  if (done < text.size()) sections.push_back({nullptr, done, text.size()});
  return sections;
}

}  // namespace kedit::tokenizer
