#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kedit {

/// A word of a corpus as token ids, and how often it occurs.
struct CountedWord {
  std::vector<std::int64_t> ids;
  std::int64_t count = 0;
};

struct LearntMerge {
  std::int64_t left = 0, right = 0, merged = 0;
};

/// Learns the merges of byte-pair encoding (Sennrich et al. 2016): again and again the most
/// frequent pair of neighbours becomes a token. Counts are kept up to date per pair, with the words
/// a pair stands in, and looked up through a heap whose stale entries are corrected when they
/// surface.
class PairMerger {
 public:
  /// `tokens[i]` is how the id i is spelled.
  PairMerger(std::vector<CountedWord> words, std::vector<std::string> tokens);

  /// Merges until there are `vocab_size` tokens or no pair is left. Ties: the lowest pair of ids.
  void grow_to(std::int64_t vocab_size);

  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::vector<LearntMerge>& merges() const { return merges_; }

 private:
  using Pair = std::pair<std::int64_t, std::int64_t>;
  struct PairHash {
    std::size_t operator()(const Pair& pair) const {
      return (static_cast<std::size_t>(pair.first) << 32U) ^ static_cast<std::size_t>(pair.second);
    }
  };
  struct Candidate {
    Pair pair;
    std::int64_t count;
    std::vector<std::size_t> words;  // where the pair stands, or stood
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void merge(const Candidate& best);
  void merge_in_word(std::size_t word, const LearntMerge& merge);
  void change(const Pair& pair, std::size_t word, std::int64_t sign);
  void queue_changed();
  std::int64_t token_id(std::string spelling);

  std::vector<CountedWord> words_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int64_t> ids_;
  std::vector<LearntMerge> merges_;
  std::unordered_map<Pair, std::int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::vector<std::size_t>, PairHash> grown_;  // pairs not queued yet
  std::priority_queue<Candidate> queue_;
};

}  // namespace kedit
