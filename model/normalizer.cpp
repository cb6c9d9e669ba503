#include "model/normalizer.hpp"

#include "model/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace kedit {
namespace {

// Everything below U+0300 is composed already and joins nothing before it; 0xCC is its first byte.
constexpr char32_t kFirstUnstable = 0x300;
constexpr unsigned char kFirstUnstableByte = 0xCC;

constexpr auto kComposeOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);

bool is_mark(utf8proc_int32_t value) {
  switch (utf8proc_category(value)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return true;
    default:
      return false;
  }
}

// Whether no character from here on can be composed or reordered with one before. Errs on the side
// of "no", which only makes the clusters longer.
bool starts_cluster(char32_t value) {
  if (value < kFirstUnstable) return true;
  if (value >= 0x1160 && value <= 0x11FF) return false;  // Hangul vowels and final consonants
  if (value >= 0x16D63 && value <= 0x16D6A)
    return false;  // Kirat Rai vowel signs, letters by category
  return !is_mark(static_cast<utf8proc_int32_t>(value));
}

std::string_view as_view(const std::vector<utf8proc_int32_t>& utf32, std::string& storage) {
  storage.clear();
  for (const auto value : utf32) append_utf8(storage, static_cast<char32_t>(value));
  return storage;
}

// NFC of one cluster, into `storage`.
std::string_view compose_cluster(std::string_view cluster, std::vector<utf8proc_int32_t>& utf32,
                                 std::string& storage) {
  const auto decompose = [&] {
    return utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(cluster.data()),
                              static_cast<utf8proc_ssize_t>(cluster.size()), utf32.data(),
                              static_cast<utf8proc_ssize_t>(utf32.size()), kComposeOptions);
  };
  utf32.resize(std::max<std::size_t>(utf32.capacity(), 16));
  auto length = decompose();
  if (length > static_cast<utf8proc_ssize_t>(utf32.size())) {
    utf32.resize(static_cast<std::size_t>(length));
    length = decompose();
  }
  if (length >= 0) length = utf8proc_normalize_utf32(utf32.data(), length, kComposeOptions);
  if (length < 0) return cluster;  // cannot happen for well-formed text
  utf32.resize(static_cast<std::size_t>(length));
  return as_view(utf32, storage);
}

bool surely_composed(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char byte) {
    return static_cast<unsigned char>(byte) >= kFirstUnstableByte;
  });
}

// Calls visit(begin, end) for every cluster of `text`, in order.
template <typename Visit>
void for_each_cluster(std::string_view text, Visit visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + code_point_at(text, begin).bytes;
    while (end < text.size()) {
      const CodePoint next = code_point_at(text, end);
      if (starts_cluster(next.value)) break;
      end += next.bytes;
    }
    visit(begin, end);
    begin = end;
  }
}

}  // namespace

AlignedText::AlignedText(std::string_view part, std::size_t begin) : part_(part), begin_(begin) {}

std::pair<std::size_t, std::size_t> AlignedText::original(std::size_t begin,
                                                          std::size_t end) const {
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
  result.owned_ = owned_.substr(begin, end - begin);
  result.ranges_.assign(ranges_.begin() + static_cast<std::ptrdiff_t>(begin),
                        ranges_.begin() + static_cast<std::ptrdiff_t>(end));
  return result;
}

void AlignedText::make_owned() {
  if (changed_) return;
  ranges_.reserve(part_.size() + 1);
  for (std::size_t i = 0; i < part_.size(); ++i) ranges_.push_back(original(i, i + 1));
  owned_.assign(part_);
  changed_ = true;
}

void AlignedText::compose() {
  if (surely_composed(text())) return;
  std::vector<utf8proc_int32_t> utf32;
  std::string storage, result;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  const std::string_view source = text();
  bool same = true;
  for_each_cluster(source, [&](std::size_t begin, std::size_t end) {
    const std::string_view cluster = source.substr(begin, end - begin);
    const bool stable = surely_composed(cluster);
    const std::string_view composed = stable ? cluster : compose_cluster(cluster, utf32, storage);
    result.append(composed);
    if (composed == cluster) {
      for (std::size_t i = begin; i < end; ++i) ranges.push_back(original(i, i + 1));
    } else {
      same = false;
      ranges.insert(ranges.end(), composed.size(), original(begin, end));
    }
  });
  if (same) return;
  owned_ = std::move(result);
  ranges_ = std::move(ranges);
  changed_ = true;
}

void AlignedText::prefix_space() {
  if (text().empty() || text().front() == ' ') return;
  make_owned();
  owned_.insert(owned_.begin(), ' ');
  ranges_.push_back(ranges_.back());
  std::copy_backward(ranges_.begin(), ranges_.end() - 2,
                     ranges_.end() - 1);  // the first stays twice
}

std::string compose_nfc(std::string_view text) {
  AlignedText aligned(text, 0);
  aligned.compose();
  return std::string(aligned.text());
}

}  // namespace kedit
