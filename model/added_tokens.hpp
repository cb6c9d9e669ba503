#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// A token that is found in a text before the text is taken apart.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool single_word = false;  ///< Only where no word character touches it.
  bool lstrip = false;       ///< Swallows the white space before it.
  bool rstrip = false;       ///< Swallows the white space after it.
  bool normalized = true;    ///< Sought in the normalised text, else in the original one.
  bool special = false;
};

/// A part of a text: an added token, or text still to be encoded.
struct TokenSection {
  const AddedToken* token = nullptr;
  std::size_t begin = 0, end = 0;
};

/// Finds tokens in texts: leftmost first, of those the longest.
class AddedTokenMatcher {
 public:
  /// `content` is what is sought for `token`. `token` must outlive the matcher.
  void add(const AddedToken& token, std::string_view content);
  bool empty() const { return nodes_.size() == 1; }

  /// The sections of `text` in order; `split_special` leaves special tokens to the text.
  std::vector<TokenSection> sections(std::string_view text, bool split_special) const;

 private:
  struct Node {
    std::map<unsigned char, std::size_t> children;
    const AddedToken* token = nullptr;
  };
  struct Match {
    const AddedToken* token;
    std::size_t begin, end;
  };
  std::optional<Match> longest_at(std::string_view text, std::size_t begin) const;
  std::optional<Match> next(std::string_view text, std::size_t from) const;

  std::vector<Node> nodes_{1};
  std::vector<bool> first_bytes_ = std::vector<bool>(256, false);
};

}  // namespace kedit
