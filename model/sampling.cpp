#include "model/sampling.hpp"

#include "model/architecture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kedit {
namespace {

std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

// The ids that may be drawn: from the most probable down where `options` cut the tail off (the
// `top_k` first ones then), else all as they come, which needs no sorting.
std::vector<std::int64_t> candidates(const float* logits, std::int64_t vocab,
                                     const GenerateOptions& options) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(vocab));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  if (options.top_k == 0 && options.top_p == 1.0) return ids;
  const auto better = [&](std::int64_t a, std::int64_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  const std::int64_t kept = options.top_k > 0 ? std::min(options.top_k, vocab) : vocab;
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(), better);
  ids.resize(static_cast<std::size_t>(kept));
  return ids;
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
  const auto ids = candidates(logits, vocab, options);
  const auto best = static_cast<double>(*std::max_element(logits, logits + vocab));
  std::vector<double> mass(ids.size());  // of the tokens up to each, not normalised
  double total = 0.0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    total += std::exp((static_cast<double>(logits[ids[i]]) - best) / options.temperature);
    mass[i] = total;
  }
  const auto nucleus = std::lower_bound(mass.begin(), mass.end(), options.top_p * total);
  const auto last = nucleus == mass.end() ? mass.end() - 1 : nucleus;
  const auto drawn = std::upper_bound(mass.begin(), last, uniform * *last);
  return ids[static_cast<std::size_t>(drawn - mass.begin())];
}

}  // namespace kedit
