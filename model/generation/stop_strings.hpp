#pragma once

#include "tokenizer/tokenizer.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace kedit::generation {

/// Finds where a text that grows token by token comes to a stop string. After each token only the
/// tail is decoded that can hold a stop string that ends there, so a text of n tokens costs n tails
/// and not n texts; what is found is confirmed on the whole text. Finds what looking through
/// `tokenizer.decode(ids)` after every token would find. A tokenizer whose decoder reaches further
/// than to neighbours, and stop strings that hold U+FFFD or are no UTF-8, are served by decoding
/// the whole text.
class StopStrings {
 public:
  /// How far the text of one row has come.
  class Row {
    friend class StopStrings;
    struct Cut {
      std::size_t token;  // the tail may begin here, between two characters
      std::size_t bytes;  // of the tail's text before it
    };
    std::deque<Cut> cuts = {{0, 0}};  // the tail begins at the first
  };

  /// Keeps a reference to the tokenizer.
  StopStrings(const Tokenizer& tokenizer, std::vector<std::string> stops);

  /// To be called after each token with all ids of the row: the text before the first stop string,
  /// once there is one.
  std::optional<std::string> find(Row& row, const std::vector<std::int64_t>& ids) const;

 private:
  std::size_t first_stop(const std::string& text) const;
  void advance(Row& row, std::size_t tokens, const std::string& tail) const;

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  std::size_t tail_bytes_ = 0;
  bool in_parts_ = false;
};

}  // namespace kedit::generation
