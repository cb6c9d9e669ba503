#pragma once

#include "model/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kedit {

/// One token of a piece of text and how many bytes of it the token covers.
struct BpeSymbol {
  std::int64_t id = 0;
  std::size_t bytes = 0;
};

/// Merging needs memory, and pieces come again: what one thread needs for `BpeModel::encode`.
class BpeScratch {
 public:
  /// Pieces longer than this are not remembered, nor more pieces than this (then all are
  /// forgotten).
  static constexpr std::size_t kLongestPiece = 256;
  static constexpr std::size_t kMostPieces = 20000;

 private:
  friend class BpeModel;
  struct Span {
    std::size_t begin, count;
  };
  struct Node {  // a symbol in the list of a piece
    std::int64_t id;
    std::size_t bytes;
    std::int64_t previous, next;  // -1: none
  };
  struct Candidate {  // a pair that may be merged
    std::uint32_t rank;
    std::int64_t position;
    std::int64_t merged_id;
    // Lowest rank first, then leftmost; std heaps keep the largest on top.
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };

  std::unordered_map<std::string, Span, Vocabulary::Hash, std::equal_to<>> spans_;
  std::vector<BpeSymbol> symbols_;  // of all remembered pieces
  std::vector<Node> nodes_;
  std::vector<Candidate> heap_;
};

/// Byte-pair encoding over bytes (Sennrich et al. 2016, Radford et al. 2019): a piece starts as its
/// bytes, and the pair of lowest rank is merged until no pair has one. The search is a heap over a
/// linked list, O(n log n). Immutable; threads bring their own scratch.
class BpeModel {
 public:
  struct Options {
    std::optional<std::int64_t> unk_id;  ///< For bytes that no token spells; absent: they vanish.
    bool fuse_unk = false;               ///< Neighbouring unknown bytes make one token.
    bool ignore_merges = false;          ///< A piece that is a token is not taken apart.
  };

  BpeModel(const Vocabulary& vocabulary, Options options);

  /// The next merge in order of rank: `left` and `right` give `merged`. A pair given again takes
  /// the later rank.
  void add_merge(std::int64_t left, std::int64_t right, std::int64_t merged);
  bool covers_all_bytes() const;

  /// Appends the tokens of `piece` (any bytes). `vocabulary` is the one of the constructor.
  void encode(const Vocabulary& vocabulary, std::string_view piece, BpeScratch& scratch,
              std::vector<BpeSymbol>& symbols) const;

 private:
  struct Merge {
    std::uint32_t rank;
    std::int64_t merged_id;
  };

  void take_apart(std::string_view piece, BpeScratch& scratch) const;
  void consider(BpeScratch& scratch, std::int64_t left) const;
  void merge_all(std::string_view piece, BpeScratch& scratch,
                 std::vector<BpeSymbol>& symbols) const;
  static std::uint64_t pair_key(std::int64_t left, std::int64_t right) {
    return (static_cast<std::uint64_t>(left) << 32U) | static_cast<std::uint64_t>(right);
  }
  struct PairHash {
    std::size_t operator()(std::uint64_t key) const { return key * 0x9E3779B97F4A7C15ULL >> 20U; }
  };

  Options options_;
  std::vector<std::int64_t> byte_ids_;  // 256, -1 where no token spells the byte
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
  std::uint32_t next_rank_ = 0;
};

}  // namespace kedit
