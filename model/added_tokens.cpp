#include "model/added_tokens.hpp"

#include "model/utf8.hpp"

#include <algorithm>

namespace kedit {
namespace {

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const bool word_before = begin > 0 && is_unicode_word(code_point_before(text, begin).value);
  const bool word_after = end < text.size() && is_unicode_word(code_point_at(text, end).value);
  return !word_before && !word_after;
}

std::size_t spaces_begin(std::string_view text, std::size_t end) {
  while (end > 0) {
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

void AddedTokenMatcher::add(const AddedToken& token, std::string_view content) {
  if (content.empty()) return;
  std::size_t node = 0;
  for (const char byte : content) {
    const auto key = static_cast<unsigned char>(byte);
    const auto [child, added] = nodes_[node].children.emplace(key, nodes_.size());
    node = child->second;
    if (added) nodes_.emplace_back();
  }
  nodes_[node].token = &token;
  first_bytes_[static_cast<unsigned char>(content.front())] = true;
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::longest_at(std::string_view text,
                                                                      std::size_t begin) const {
  std::optional<Match> longest;
  std::size_t node = 0;
  for (std::size_t end = begin; end < text.size();) {
    const auto child = nodes_[node].children.find(static_cast<unsigned char>(text[end]));
    if (child == nodes_[node].children.end()) break;
    node = child->second;
    ++end;
    if (nodes_[node].token != nullptr) longest = Match{nodes_[node].token, begin, end};
  }
  return longest;
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::next(std::string_view text,
                                                                std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!first_bytes_[static_cast<unsigned char>(text[begin])]) continue;
    if (const auto match = longest_at(text, begin)) return match;
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
    // White space may have gone to the token before already.
    if (match->token->lstrip) begin = std::max(spaces_begin(text, begin), done);
    if (match->token->rstrip) end = spaces_end(text, end);
    if (done < begin) sections.push_back({nullptr, done, begin});
    sections.push_back({match->token, begin, end});
    done = end;
  }
  if (done < text.size()) sections.push_back({nullptr, done, text.size()});
  return sections;
}

}  // namespace kedit
