#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// Strings with values, asked for all those that a text starts with. Immutable once built.
class PrefixTrie {
 public:
  PrefixTrie() = default;
  /// Strings must be distinct and not empty, values at least 0.
  explicit PrefixTrie(std::vector<std::pair<std::string_view, std::int32_t>> strings);

  bool empty() const { return nodes_.empty(); }

  /// Calls visit(bytes, value) for every string that `text` starts with, the shortest first.
  template <typename Visit>
  void for_each_prefix(std::string_view text, Visit visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size() && !nodes_.empty(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) visit(i + 1, nodes_[node].value);
    }
  }

  /// Bytes of the longest string that `text` starts with, 0 if there is none.
  std::size_t longest(std::string_view text) const {
    std::size_t bytes = 0;
    for_each_prefix(text, [&](std::size_t found, std::int32_t) { bytes = found; });
    return bytes;
  }

 private:
  struct Node {
    std::uint32_t first_child = 0;  // children stand side by side, ordered by label
    std::uint16_t children = 0;
    std::uint8_t label = 0;
    std::int32_t value = -1;
  };
  std::uint32_t child(std::uint32_t parent, unsigned char label) const;

  std::vector<Node> nodes_;  // the root first; no node has it as a child, so 0 means none
};

}  // namespace kedit::tokenizer
