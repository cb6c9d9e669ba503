#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kedit::tokenizer {

/// The merges of byte-pair encoding, and the loop that applies them. Ids are below 2^31.
class BpeMerges {
 public:
  /// A symbol in the list of a piece.
  struct Node {
    std::uint32_t id;
    std::uint32_t bytes;          ///< 0: merged into another one
    std::int32_t previous, next;  ///< -1: none
  };
  struct Candidate {  // a pair that may be merged
    std::uint32_t rank;
    std::uint32_t position;
    std::uint32_t merged;
    // Lowest rank first, then leftmost; std heaps keep the largest on top.
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  struct Scratch {
    std::vector<Node> nodes;
    std::vector<Candidate> heap;

    void clear() { nodes.clear(); }
    /// Appends a symbol to the list.
    void append(std::int64_t id, std::size_t bytes);
  };

  /// `left` and `right` give `merged`; lower ranks go first. A pair given again takes the later
  /// rank.
  void add(std::int64_t left, std::int64_t right, std::int64_t merged, std::uint32_t rank);
  void reserve(std::size_t merges);
  std::size_t size() const { return count_; }

  /// Merges the pair of lowest rank (the leftmost of equals) until no pair has one: a heap over a
  /// linked list, O(n log n). The first node stays the head of the list.
  void apply(Scratch& scratch) const;

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t rank, merged;
  };
  static constexpr std::uint64_t kNoKey = ~std::uint64_t{0};

  static std::uint64_t key_of(std::uint32_t left, std::uint32_t right) {
    return (std::uint64_t{left} << 32U) | right;
  }
  std::size_t slot_of(std::uint64_t key) const;
  const Entry* find(std::uint32_t left, std::uint32_t right) const;
  void consider(Scratch& scratch, std::uint32_t left) const;
  void rehash(std::size_t slots);

  std::vector<Entry> table_;  // open addressing, a power of two of slots
  std::size_t count_ = 0;
};

}  // namespace kedit::tokenizer
