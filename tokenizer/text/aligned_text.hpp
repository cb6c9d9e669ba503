#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// A byte range [begin, end) of a text.
using TextRange = std::pair<std::size_t, std::size_t>;

/// A text made from a part of an original one, with the byte range of the original that each of its
/// bytes comes from.
class AlignedText {
 public:
  class Builder;

  /// A part of the original as it is: byte i is byte `begin` + i.
  AlignedText(std::string_view part, std::size_t begin);

  std::string_view text() const { return changed_ ? std::string_view(owned_) : part_; }
  /// Original range of bytes [begin, end) of `text()`, widened to whole characters.
  TextRange original(std::size_t begin, std::size_t end) const;

  /// Bytes [begin, end) of `text()`, which must lie between characters.
  AlignedText slice(std::size_t begin, std::size_t end) const;

  /// Puts `prefix` in front. It shares the range of the first character. Empty texts stay empty.
  void prepend(std::string_view prefix);

 private:
  std::string_view part_;
  std::size_t begin_;
  std::size_t part_bytes_;  // of the part that it was made from
  bool changed_ = false;
  std::string owned_;
  std::vector<TextRange> ranges_;  // per byte of owned_
};

/// Puts a new text together from parts of an aligned one, in order. Throws `TokenizerError` when it
/// becomes much longer than what was given, as only a hostile tokenizer makes it.
class AlignedText::Builder {
 public:
  /// `source` must outlive the builder.
  explicit Builder(const AlignedText& source);

  /// Bytes [begin, end) of the source as they are; both lie between characters.
  void keep(std::size_t begin, std::size_t end);
  /// New bytes that stand for the bytes [begin, end) of the source.
  void put(std::string_view bytes, std::size_t begin, std::size_t end);
  std::size_t size() const { return text_.size(); }

  AlignedText finish();

 private:
  void check_room(std::size_t more) const;

  const AlignedText& source_;
  std::string text_;
  std::vector<TextRange> ranges_;
};

}  // namespace kedit::tokenizer
