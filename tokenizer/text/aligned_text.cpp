#include "tokenizer/text/aligned_text.hpp"

#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20U;  // that any text may become
constexpr std::size_t kMostGrowth = 4;                     // of a longer one

}  // namespace

AlignedText::AlignedText(std::string_view part, std::size_t begin)
    : part_(part), begin_(begin), part_bytes_(part.size()) {}

TextRange AlignedText::original(std::size_t begin, std::size_t end) const {
  if (changed_) {
    if (begin >= end) return {0, 0};
    return {ranges_[begin].first, ranges_[end - 1].second};
  }
  while (begin > 0 && begin < part_.size() && is_utf8_continuation(part_[begin])) --begin;
  while (end < part_.size() && is_utf8_continuation(part_[end])) ++end;
  return {begin_ + begin, begin_ + end};
}

AlignedText AlignedText::slice(std::size_t begin, std::size_t end) const {
  if (!changed_) return {part_.substr(begin, end - begin), begin_ + begin};
  AlignedText result("", 0);
  result.changed_ = true;
  result.part_bytes_ = part_bytes_;
  result.owned_ = owned_.substr(begin, end - begin);
  result.ranges_.assign(ranges_.begin() + static_cast<std::ptrdiff_t>(begin),
                        ranges_.begin() + static_cast<std::ptrdiff_t>(end));
  return result;
}

void AlignedText::prepend(std::string_view prefix) {
  const std::string_view old = text();
  if (old.empty() || prefix.empty()) return;
  Builder builder(*this);
  builder.put(prefix, 0, code_point_at(old, 0).bytes);
  builder.keep(0, old.size());
  *this = builder.finish();
}

AlignedText::Builder::Builder(const AlignedText& source) : source_(source) {
  const std::size_t expected = source.text().size() + source.text().size() / 4 + 4;
  text_.reserve(expected);
  ranges_.reserve(expected);
}

void AlignedText::Builder::check_room(std::size_t more) const {
  if (text_.size() + more <= std::max(kMostBytes, kMostGrowth * source_.part_bytes_)) return;
  throw TokenizerError(
      fmt::format("normalizing a text of {} bytes: expected at most {} times as many (or {} bytes) "
                  "of it, found more",
                  source_.part_bytes_, kMostGrowth, kMostBytes));
}

void AlignedText::Builder::keep(std::size_t begin, std::size_t end) {
  const std::string_view kept = source_.text().substr(begin, end - begin);
  check_room(kept.size());
  text_.append(kept);
  if (source_.changed_) {
    ranges_.insert(ranges_.end(), source_.ranges_.begin() + static_cast<std::ptrdiff_t>(begin),
                   source_.ranges_.begin() + static_cast<std::ptrdiff_t>(end));
    return;
  }
  const std::size_t shift = source_.begin_ + begin;
  for (std::size_t position = 0; position < kept.size();) {
    const std::size_t bytes = code_point_at(kept, position).bytes;
    ranges_.insert(ranges_.end(), bytes, {shift + position, shift + position + bytes});
    position += bytes;
  }
}

void AlignedText::Builder::put(std::string_view bytes, std::size_t begin, std::size_t end) {
  check_room(bytes.size());
  text_.append(bytes);
  ranges_.insert(ranges_.end(), bytes.size(), source_.original(begin, end));
}

AlignedText AlignedText::Builder::finish() {
  AlignedText result("", 0);
  result.changed_ = true;
  result.part_bytes_ = source_.part_bytes_;
  result.owned_ = std::move(text_);
  result.ranges_ = std::move(ranges_);
  return result;
}

}  // namespace kedit::tokenizer
