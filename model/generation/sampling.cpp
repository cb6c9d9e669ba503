#include "model/generation/sampling.hpp"

#include "model/decoder/architecture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kedit::generation {
namespace {

std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

constexpr std::int64_t kFirstSorted = 64;  // most nuclei are smaller

// Tokens in the order in which they are drawn from, with the probability mass up to each of them,
// not normalised.
struct Candidates {
  std::vector<std::int64_t> ids;
  std::vector<double> mass;
};

class Distribution {
 public:
  Distribution(const float* logits, std::int64_t vocab, double temperature)
      : logits_(logits),
        best_(static_cast<double>(*std::max_element(logits, logits + vocab))),
        temperature_(temperature) {}

  double weight(std::int64_t id) const {
    return std::exp((static_cast<double>(logits_[id]) - best_) / temperature_);
  }
  bool before(std::int64_t a, std::int64_t b) const {
    return logits_[a] != logits_[b] ? logits_[a] > logits_[b] : a < b;
  }
  void add(Candidates& to, std::int64_t id) const {
    const double so_far = to.mass.empty() ? 0.0 : to.mass.back();
    to.ids.push_back(id);
    to.mass.push_back(so_far + weight(id));
  }

 private:
  const float* logits_;
  double best_, temperature_;
};

std::vector<std::int64_t> all_ids(std::int64_t vocab) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(vocab));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

// The most probable tokens, `top_k` of them at most, until they hold `top_p` of the mass. Only as
// many are sorted as that takes.
Candidates best_candidates(const Distribution& distribution, std::int64_t vocab,
                           const GenerateOptions& options) {
  std::vector<std::int64_t> ids = all_ids(vocab);
  const auto before = [&](auto a, auto b) { return distribution.before(a, b); };
  std::int64_t count = vocab;
  if (options.top_k > 0 && options.top_k < vocab) {
    count = options.top_k;
    std::nth_element(ids.begin(), ids.begin() + count - 1, ids.end(), before);
  }
  double wanted = 0.0;
  for (std::int64_t i = 0; i < count; ++i)
    wanted += distribution.weight(ids[static_cast<std::size_t>(i)]);
  wanted *= options.top_p;
  Candidates chosen;
  std::int64_t sorted = 0;
  while (sorted < count && (chosen.mass.empty() || chosen.mass.back() < wanted)) {
    const std::int64_t from = sorted;
    sorted = std::min(count, from == 0 ? kFirstSorted : 4 * from);
    std::partial_sort(ids.begin() + from, ids.begin() + sorted, ids.begin() + count, before);
    for (std::int64_t i = from; i < sorted; ++i) {
      distribution.add(chosen, ids[static_cast<std::size_t>(i)]);
      if (chosen.mass.back() >= wanted) break;
    }
  }
  return chosen;
}

// All tokens as they come where nothing cuts the tail off: that needs no sorting.
Candidates candidates(const float* logits, std::int64_t vocab, const GenerateOptions& options) {
  const Distribution distribution(logits, vocab, options.temperature);
  if (options.top_k > 0 || options.top_p < 1.0) {
    return best_candidates(distribution, vocab, options);
  }
  Candidates all;
  for (std::int64_t id = 0; id < vocab; ++id) distribution.add(all, id);
  return all;
}

void check_finite(const float* logits, std::int64_t vocab) {
  bool any = false;
  for (std::int64_t id = 0; id < vocab; ++id) {
    if (std::isnan(logits[id]) || logits[id] == INFINITY) {
      throw ModelError("sampling a token: expected finite logits, found NaN or infinity");
    }
    any = any || std::isfinite(logits[id]);
  }
  if (!any) throw ModelError("sampling a token: expected finite logits, found none");
}

}  // namespace

double stream_uniform(std::uint64_t seed, std::uint64_t prompt, std::uint64_t sample,
                      std::uint64_t step) {
  const std::uint64_t bits = mix(mix(mix(mix(seed) ^ prompt) ^ sample) ^ step);
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

std::int64_t sample_token(const float* logits, std::int64_t vocab, const GenerateOptions& options,
                          double uniform) {
  check_finite(logits, vocab);
  const Candidates from = candidates(logits, vocab, options);
  const auto last = from.mass.end() - 1;
  const auto drawn = std::upper_bound(from.mass.begin(), last, uniform * *last);
  return from.ids[static_cast<std::size_t>(drawn - from.mass.begin())];
}

}  // namespace kedit::generation
