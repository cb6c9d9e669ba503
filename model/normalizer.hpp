#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit {

/// A text made from a part of an original one, with the byte range of the original that each of its
/// bytes comes from.
class AlignedText {
 public:
  /// A part of the original as it is: byte i is byte `begin` + i.
  AlignedText(std::string_view part, std::size_t begin);

  std::string_view text() const { return changed_ ? std::string_view(owned_) : part_; }
  /// Original range of bytes [begin, end) of `text()`, widened to whole characters.
  std::pair<std::size_t, std::size_t> original(std::size_t begin, std::size_t end) const;

  /// Bytes [begin, end) of `text()`, which must lie between characters.
  AlignedText slice(std::size_t begin, std::size_t end) const;

  /// Canonical composition (NFC). Characters that are composed or reordered together share the
  /// range of all of them.
  void compose();
  /// Puts one blank in front, unless there is one or the text is empty. It shares the range of the
  /// first character.
  void prefix_space();

 private:
  void make_owned();

  std::string_view part_;
  std::size_t begin_;
  bool changed_ = false;
  std::string owned_;
  std::vector<std::pair<std::size_t, std::size_t>> ranges_;  // per byte of owned_
};

/// NFC of well-formed text.
std::string compose_nfc(std::string_view text);

}  // namespace kedit
