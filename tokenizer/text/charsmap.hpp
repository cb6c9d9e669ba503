#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

/// SentencePiece's precompiled map of characters: a double-array trie of byte strings
/// (Darts-clone's layout) and what each of them becomes.
class Charsmap {
 public:
  struct Match {
    std::size_t bytes;         ///< Length of the string that was found.
    std::string_view becomes;  ///< May be empty. Lives as long as the map.
  };

  /// From the bytes of a `precompiled_charsmap`: the trie's size, the trie, strings that end in a
  /// zero byte. Throws `TokenizerError` starting with `where` when sizes do not fit.
  static Charsmap parse(std::string_view blob, const std::string& where);

  /// The longest string of the map that `text` starts with (SentencePiece's rule).
  std::optional<Match> longest(std::string_view text) const { return find(text, true); }
  /// The shortest one (the rule of Hugging Face's Precompiled normalizer).
  std::optional<Match> shortest(std::string_view text) const { return find(text, false); }

 private:
  std::optional<Match> find(std::string_view text, bool longest) const;
  std::string_view string_at(std::size_t position) const;

  std::vector<std::uint32_t> units_;
  std::string strings_;
};

/// The bytes that `text` spells in base64; nothing when it is damaged.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace kedit::tokenizer
