#include "model/generation/prompt_clusters.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace kedit::generation {
namespace {

constexpr std::int64_t kWorthwhile = 8;    // tokens; below, a pass of its own costs more
constexpr std::int64_t kClusterCost = 64;  // tokens that a further cluster must save
constexpr std::size_t kFewSingles = 4;     // prompts alone that get beginnings of their own
constexpr std::int64_t kSinglePass = 64;   // their beginnings are whole passes of this size
constexpr int kDeepest = 64;               // splits within splits

std::int64_t size_of(const TokenIds& ids) { return static_cast<std::int64_t>(ids.size()); }

std::int64_t common_tokens(const TokenIds& a, const TokenIds& b) {
  const auto end = a.begin() + std::min(size_of(a), size_of(b));
  return std::mismatch(a.begin(), end, b.begin()).first - a.begin();
}

// Prompts in lexicographic order: those that begin alike are neighbours.
class Splitter {
 public:
  explicit Splitter(const std::vector<TokenIds>& prompts)
      : prompts_(prompts), order_(prompts.size()), common_(prompts.size(), 0) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return prompts[a] < prompts[b]; });
    for (std::size_t i = 1; i < order_.size(); ++i) {
      common_[i] = common_tokens(prompts[order_[i - 1]], prompts[order_[i]]);
    }
  }

  std::vector<PromptCluster> run() { return best(0, order_.size(), 0).clusters; }

 private:
  struct Choice {
    std::int64_t saved = 0;  // tokens that need not run again
    std::vector<PromptCluster> clusters;
  };

  Choice together(std::size_t first, std::size_t last) const {
    PromptCluster cluster;
    cluster.shared = size_of(prompts_[order_[first]]) - 1;
    for (std::size_t i = first; i < last; ++i) {
      cluster.members.push_back(order_[i]);
      cluster.shared = std::min(cluster.shared, size_of(prompts_[order_[i]]) - 1);
      if (i > first) cluster.shared = std::min(cluster.shared, common_[i]);
    }
    const auto others = static_cast<std::int64_t>(last - first) - 1;
    return {others * cluster.shared, {std::move(cluster)}};
  }

  // The prompts [first, last) as one cluster, or split where neighbours share least.
  Choice best(std::size_t first, std::size_t last, int depth) const {
    Choice whole = together(first, last);
    if (last - first == 1 || depth == kDeepest) return whole;
    const auto begin = common_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = common_.begin() + static_cast<std::ptrdiff_t>(last);
    const std::int64_t least = *std::min_element(begin + 1, end);
    Choice parts;
    std::size_t from = first;
    for (std::size_t i = first + 1; i <= last; ++i) {
      if (i < last && common_[i] != least) continue;
      Choice part = best(from, i, depth + 1);
      parts.saved += part.saved - (from == first ? 0 : kClusterCost);
      std::move(part.clusters.begin(), part.clusters.end(), std::back_inserter(parts.clusters));
      from = i;
    }
    return parts.saved > whole.saved ? parts : whole;
  }

  const std::vector<TokenIds>& prompts_;
  std::vector<std::size_t> order_;
  std::vector<std::int64_t> common_;  // tokens that a prompt shares with the one before it in order
};

}  // namespace

std::vector<PromptCluster> cluster_prompts(const std::vector<TokenIds>& prompts) {
  std::vector<PromptCluster> clusters;
  if (prompts.empty()) return clusters;
  PromptCluster rest;
  for (PromptCluster& cluster : Splitter(prompts).run()) {
    if (cluster.members.size() > 1 && cluster.shared >= kWorthwhile) {
      clusters.push_back(std::move(cluster));
    } else {
      rest.members.insert(rest.members.end(), cluster.members.begin(), cluster.members.end());
    }
  }
  std::sort(rest.members.begin(), rest.members.end());
  if (rest.members.size() <= kFewSingles) {
    std::vector<std::size_t> short_ones;
    for (const std::size_t member : rest.members) {
      const std::int64_t shared = (size_of(prompts[member]) - 1) / kSinglePass * kSinglePass;
      if (shared > 0) {
        clusters.push_back({{member}, shared});
      } else {
        short_ones.push_back(member);
      }
    }
    rest.members = std::move(short_ones);
  }
  if (!rest.members.empty()) clusters.push_back(std::move(rest));
  return clusters;
}

std::vector<PromptCluster> cluster_prompts(const std::vector<TokenIds>& prompts,
                                           std::optional<std::int64_t> first_length) {
  if (!first_length) return cluster_prompts(prompts);
  std::vector<PromptCluster> clusters;
  for (const bool beyond : {false, true}) {
    std::vector<std::size_t> numbers;
    std::vector<TokenIds> chosen;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      if ((size_of(prompts[i]) > *first_length) != beyond) continue;
      numbers.push_back(i);
      chosen.push_back(prompts[i]);
    }
    for (PromptCluster& cluster : cluster_prompts(chosen)) {
      for (std::size_t& member : cluster.members) member = numbers[member];
      clusters.push_back(std::move(cluster));
    }
  }
  return clusters;
}

std::vector<std::int64_t> prefix_passes(std::int64_t length) {
  std::vector<std::int64_t> ends;
  std::int64_t done = 0;
  for (const std::int64_t size : {256, 64, 16}) {
    while (length - done >= size) ends.push_back(done += size);
  }
  if (done < length) ends.push_back(length);
  return ends;
}

}  // namespace kedit::generation
