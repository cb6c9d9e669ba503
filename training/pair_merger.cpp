#include "training/pair_merger.hpp"

#include <algorithm>

namespace kedit {

PairMerger::PairMerger(std::vector<CountedWord> words, std::vector<std::string> tokens)
    : words_(std::move(words)), tokens_(std::move(tokens)) {
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    ids_.emplace(tokens_[id], static_cast<std::int64_t>(id));
  }
  for (std::size_t word = 0; word < words_.size(); ++word) {
    const auto& ids = words_[word].ids;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) change({ids[i], ids[i + 1]}, word, 1);
  }
  queue_changed();
}

void PairMerger::change(const Pair& pair, std::size_t word, std::int64_t sign) {
  counts_[pair] += sign * words_[word].count;
  if (sign < 0) return;
  auto& words = grown_[pair];
  if (words.empty() || words.back() != word) words.push_back(word);  // words come one by one
}

void PairMerger::queue_changed() {
  for (auto& [pair, words] : grown_) {
    const std::int64_t count = counts_[pair];
    if (count > 0) queue_.push({pair, count, std::move(words)});
  }
  grown_.clear();
}

std::int64_t PairMerger::token_id(std::string spelling) {
  const auto next = static_cast<std::int64_t>(tokens_.size());
  const auto [entry, added] = ids_.emplace(spelling, next);
  if (added) tokens_.push_back(std::move(spelling));
  return entry->second;
}

void PairMerger::merge_in_word(std::size_t word, const LearntMerge& merge) {
  auto& ids = words_[word].ids;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    if (ids[i] != merge.left || ids[i + 1] != merge.right) continue;
    if (i > 0) {
      change({ids[i - 1], merge.left}, word, -1);
      change({ids[i - 1], merge.merged}, word, 1);
    }
    ids[i] = merge.merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    if (i + 1 < ids.size()) {
      change({merge.right, ids[i + 1]}, word, -1);
      change({merge.merged, ids[i + 1]}, word, 1);
    }
  }
}

void PairMerger::merge(const Candidate& best) {
  const auto& [left, right] = best.pair;
  const std::int64_t merged =
      token_id(tokens_[static_cast<std::size_t>(left)] + tokens_[static_cast<std::size_t>(right)]);
  merges_.push_back({left, right, merged});
  for (const std::size_t word : best.words) merge_in_word(word, merges_.back());
  queue_changed();
}

void PairMerger::grow_to(std::int64_t vocab_size) {
  while (static_cast<std::int64_t>(tokens_.size()) < vocab_size && !queue_.empty()) {
    Candidate best = queue_.top();
    queue_.pop();
    const std::int64_t count = counts_[best.pair];
    if (best.count != count) {  // stale: back to where it belongs now
      best.count = count;
      queue_.push(std::move(best));
      continue;
    }
    if (best.count < 1) break;
    merge(best);
  }
}

}  // namespace kedit
