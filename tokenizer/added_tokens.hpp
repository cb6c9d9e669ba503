#pragma once

#include "tokenizer/models/prefix_trie.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

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

/// Finds tokens in texts: leftmost first, of those the longest. Immutable.
class AddedTokenMatcher {
 public:
  /// What is sought, and for which token.
  struct Entry {
    std::string content;
    const AddedToken* token;
  };

  AddedTokenMatcher() = default;
  /// Of entries with equal contents the first one counts, empty ones are left out. The tokens must
  /// outlive the matcher.
  explicit AddedTokenMatcher(std::vector<Entry> entries);

  /// The sections of `text` in order; `split_special` leaves special tokens to the text.
  std::vector<TokenSection> sections(std::string_view text, bool split_special) const;

 private:
  std::optional<TokenSection> next(std::string_view text, std::size_t from) const;

  std::vector<Entry> entries_;
  PrefixTrie trie_;
  std::array<bool, 256> first_bytes_{};
};

}  // namespace kedit::tokenizer
