#include "model/generation/prefix_cache.hpp"

#include "model/generation/prompt_clusters.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace kedit::generation {
namespace {

// Columns that a longer prompt may lose from an entry that it takes over instead of copying it.
constexpr std::int64_t kLost = 64;
constexpr std::int64_t kRoom = 128;  // columns behind a beginning, for a row that goes on in place

using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl>;

// Rises when a tensor is changed in place; inference tensors do not count.
std::int64_t version_of(const at::Tensor& tensor) {
  return tensor.is_inference() ? 0 : static_cast<std::int64_t>(tensor._version());
}

}  // namespace

struct PrefixCache::Weights {
  std::vector<WeakTensor> tensors;
  std::vector<std::int64_t> versions;

  explicit Weights(const std::vector<std::pair<std::string, at::Tensor>>& named) {
    for (const auto& [name, tensor] : named) {
      tensors.emplace_back(tensor.getIntrusivePtr());
      versions.push_back(version_of(tensor));
    }
  }

  // A tensor that is gone equals none, whatever has its address now: the reference still holds it.
  bool are(const std::vector<std::pair<std::string, at::Tensor>>& named) const {
    if (named.size() != tensors.size()) return false;
    for (std::size_t i = 0; i < named.size(); ++i) {
      const at::Tensor& tensor = named[i].second;
      if (tensors[i].lock().get() != tensor.unsafeGetTensorImpl()) return false;
      if (versions[i] != version_of(tensor)) return false;
    }
    return true;
  }

  bool alive() const {
    return std::none_of(tensors.begin(), tensors.end(),
                        [](const WeakTensor& tensor) { return tensor.expired(); });
  }
};

struct PrefixCache::Entry {
  std::shared_ptr<const Weights> weights;
  bool is_long = false;  // of a text beyond longrope's first length
  TokenIds ids;
  KvCache cache;
  bool alike(const Entry& other) const {
    return weights == other.weights && is_long == other.is_long;
  }
};

namespace {

// Number of passes that two beginnings have in common: equal tokens in passes of equal size.
std::size_t common_passes(const TokenIds& a, const std::vector<std::int64_t>& passes_a,
                          const TokenIds& b, const std::vector<std::int64_t>& passes_b) {
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  const auto equal = std::mismatch(a.begin(), end, b.begin()).first - a.begin();
  std::size_t count = 0;
  while (count < passes_a.size() && count < passes_b.size() && passes_a[count] == passes_b[count] &&
         passes_a[count] <= equal) {
    ++count;
  }
  return count;
}

}  // namespace

PrefixCache::PrefixCache(std::int64_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}
PrefixCache::~PrefixCache() = default;

// Forgets entries of weights that are no more. Weights that several entries share are shared here.
std::shared_ptr<const PrefixCache::Weights> PrefixCache::current_weights(const EditedModel& model) {
  entries_.remove_if([](const Entry& entry) { return !entry.weights->alive(); });
  const auto named = named_tensors(model.architecture(), model.weights());
  for (const Entry& entry : entries_) {
    if (entry.weights->are(named)) return entry.weights;
  }
  return std::make_shared<const Weights>(named);
}

// The longest kept part of the wanted entry's ids; `done` becomes the number of its passes. An
// entry that ends not long after that part goes on as this one; a longer one is left as it is.
KvCache PrefixCache::begin_with(const Entry& wanted, const std::vector<std::int64_t>& passes,
                                std::size_t& done) {
  const TokenIds& ids = wanted.ids;
  auto best = entries_.end();
  done = 0;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!entry->alike(wanted)) continue;
    const auto of_entry = prefix_passes(static_cast<std::int64_t>(entry->ids.size()));
    const std::size_t common = common_passes(entry->ids, of_entry, ids, passes);
    if (common <= done) continue;
    done = common;
    best = entry;
  }
  KvCache cache;
  if (done > 0) {
    const std::int64_t length = passes[done - 1];
    best->cache.rewind(static_cast<std::int64_t>(best->ids.size()));  // rows went on from here
    const auto lost = static_cast<std::int64_t>(best->ids.size()) - length;
    cache = best->cache.truncate(length);
    if (lost < kLost && (lost > 0 || done < passes.size())) {
      entries_.erase(best);
      cache.rewind(length);
    } else {
      entries_.splice(entries_.end(), entries_, best);
    }
  }
  cache.reserve(static_cast<std::int64_t>(ids.size()) + kRoom);
  return cache;
}

void PrefixCache::keep(Entry entry) {
  const auto already = [&](const Entry& other) {
    return other.alike(entry) && other.ids == entry.ids;
  };
  entries_.remove_if(already);
  entries_.push_back(std::move(entry));
  std::int64_t total = 0;
  for (auto kept = entries_.end(); kept != entries_.begin();) {
    --kept;
    total += kept->cache.bytes();
    if (total <= capacity_bytes_) continue;
    entries_.erase(entries_.begin(), std::next(kept));
    break;
  }
}

KvCache PrefixCache::of(const EditedModel& model, const TokenIds& ids, std::int64_t text_length) {
  const std::lock_guard<std::mutex> lock(mutex_);
  text_length = std::max(text_length, static_cast<std::int64_t>(ids.size()));
  const auto first_length = model.architecture().first_length();
  Entry entry{current_weights(model), first_length && text_length > *first_length, ids, {}};
  const auto passes = prefix_passes(static_cast<std::int64_t>(ids.size()));
  std::size_t done = 0;
  KvCache cache = begin_with(entry, passes, done);
  for (; done < passes.size(); ++done) {
    const std::int64_t from = done == 0 ? 0 : passes[done - 1];
    const TokenIds part(ids.begin() + from, ids.begin() + passes[done]);
    ForwardInput input;
    input.ids =
        at::tensor(part, at::kLong).unsqueeze(0).to(model.weights().token_embedding.device());
    input.want_logits = false;
    input.text_length = text_length;
    model.forward(input, &cache);
    tokens_computed_ += passes[done] - from;
  }
  entry.cache = cache;
  keep(std::move(entry));
  return cache;
}

std::int64_t PrefixCache::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::int64_t total = 0;
  for (const Entry& entry : entries_) total += entry.cache.bytes();
  return total;
}

std::int64_t PrefixCache::tokens_computed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tokens_computed_;
}

}  // namespace kedit::generation
