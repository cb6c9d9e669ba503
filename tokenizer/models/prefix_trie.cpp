#include "tokenizer/models/prefix_trie.hpp"

#include <algorithm>

namespace kedit::tokenizer {

PrefixTrie::PrefixTrie(std::vector<std::pair<std::string_view, std::int32_t>> strings) {
  if (strings.empty()) return;
  std::sort(strings.begin(), strings.end());
  struct Pending {  // a node and the strings below it
    std::uint32_t node;
    std::size_t begin, end, depth;
  };
  std::vector<Pending> pending{{0, 0, strings.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t next = 0; next < pending.size(); ++next) {
    auto [node, begin, end, depth] = pending[next];
    if (strings[begin].first.size() == depth) {  // the shortest sorts first
      nodes_[node].value = strings[begin].second;
      ++begin;
    }
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char label = strings[begin].first[depth];
      const auto last = std::find_if(
          strings.begin() + static_cast<std::ptrdiff_t>(begin),
          strings.begin() + static_cast<std::ptrdiff_t>(end),
          [at = depth, label](const auto& string) { return string.first[at] != label; });
      const auto group_end = static_cast<std::size_t>(last - strings.begin());
      pending.push_back({static_cast<std::uint32_t>(nodes_.size()), begin, group_end, depth + 1});
      nodes_.push_back({0, 0, static_cast<std::uint8_t>(label), -1});
      ++nodes_[node].children;
      begin = group_end;
    }
  }
}

std::uint32_t PrefixTrie::child(std::uint32_t parent, unsigned char label) const {
  const Node& node = nodes_[parent];
  const auto first = nodes_.begin() + node.first_child;
  const auto last = first + node.children;
  const auto found = std::lower_bound(
      first, last, label,
      [](const Node& child, unsigned char wanted) { return child.label < wanted; });
  if (found == last || found->label != label) return 0;
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

}  // namespace kedit::tokenizer
