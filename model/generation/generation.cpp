#include "model/generation/generation.hpp"

#include "model/generation/prefix_cache.hpp"
#include "model/generation/prompt_checks.hpp"
#include "model/generation/prompt_clusters.hpp"
#include "model/generation/ragged_batch.hpp"
#include "model/generation/sampling.hpp"
#include "model/generation/stop_strings.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

namespace kedit {
namespace {

constexpr std::size_t kOwnBatch = 8;  // rows of a cluster that are worth a batch of their own
constexpr std::int64_t kRoom = 256;   // tokens that a row's cache has room for in advance, at most
constexpr std::int64_t kBatchBytes = std::int64_t{2} << 30;  // of keys and values of a batch

// One result in the making: sample number `sample` of the prompt `prompt`.
struct Row {
  std::size_t prompt = 0;
  std::int64_t sample = 0;
  std::size_t distinct = 0;  // which of the distinct prompts
  Generation generation;
  generation::StopStrings::Row stop;
};

void check_options(const GenerateOptions& options, bool has_tokenizer, std::int64_t batch_rows) {
  const auto require = [](bool holds, std::string_view expected) {
    if (!holds) throw std::invalid_argument(fmt::format("generating: expected {}", expected));
  };
  require(options.max_tokens >= 0, "max_tokens of at least 0");
  require(options.samples >= 1, "at least one sample");
  require(std::isfinite(options.temperature) && options.temperature >= 0.0,
          "a temperature of at least 0");
  require(options.top_p > 0.0 && options.top_p <= 1.0, "top_p above 0 and at most 1");
  require(options.top_k >= 0, "top_k of at least 0");
  require(batch_rows >= 1, "at least one row in a batch");
  require(options.stop.empty() || has_tokenizer, "a model with a tokenizer, for the stop strings");
  for (const std::string& stop : options.stop)
    require(!stop.empty(), "stop strings that are not empty");
}

class Generator {
 public:
  Generator(const EditedModel& model, const std::vector<generation::TokenIds>& prompts,
            const GenerateOptions& options, std::int64_t batch_rows,
            generation::PrefixCache& prefixes)
      : model_(model), options_(options), batch_rows_(batch_rows), prefixes_(prefixes) {
    if (model.base().has_tokenizer()) tokenizer_ = &model.tokenizer();
    if (!options.stop.empty()) stops_.emplace(*tokenizer_, options.stop);
    add_rows(prompts);
    clusters_ = generation::cluster_prompts(distinct_, model.architecture().first_length());
    cluster_of_.resize(distinct_.size());
    for (std::size_t i = 0; i < clusters_.size(); ++i) {
      for (const std::size_t prompt : clusters_[i].members) cluster_of_[prompt] = i;
    }
  }

  std::vector<Generation> run();

 private:
  bool greedy() const { return options_.temperature == 0.0; }
  void add_rows(const std::vector<generation::TokenIds>& prompts);
  void run_rows(std::vector<Row*> rows, bool shared);
  std::int64_t row_bytes(const Row& row, bool shared) const;
  void run_batch(std::vector<Row*> rows);
  generation::RaggedBatch prefill(const std::vector<Row*>& rows, at::Tensor& logits) const;
  generation::RaggedBatch compute_anew(const std::vector<Row*>& rows, at::Tensor& logits) const;
  at::Tensor append(generation::RaggedBatch& batch, std::vector<Row*>& rows,
                    std::vector<generation::TokenIds> next) const;
  generation::TokenIds choose(const std::vector<Row*>& rows, const at::Tensor& logits) const;
  bool accept(Row& row, std::int64_t token, std::int64_t next_position) const;
  bool at_stop_string(Row& row) const;

  const EditedModel& model_;
  const GenerateOptions& options_;
  std::int64_t batch_rows_;
  generation::PrefixCache& prefixes_;
  const Tokenizer* tokenizer_ = nullptr;
  std::optional<generation::StopStrings> stops_;
  std::vector<generation::TokenIds> distinct_;
  std::vector<Row> rows_;
  std::vector<generation::PromptCluster> clusters_;  // of distinct prompts
  std::vector<std::size_t> cluster_of_;              // distinct prompt -> its cluster
};

// The prompts of some rows as they run: in parts that begin alike and have similar lengths.
class Prefill {
 public:
  Prefill(const EditedModel& model, generation::PrefixCache& prefixes, std::int64_t batch_rows)
      : model_(model), prefixes_(prefixes), limits_{batch_rows} {}

  // `prompts` all begin with the same `shared` tokens, and on the same side of longrope's first
  // length. Returns the place of each among all rows.
  std::vector<std::int64_t> add(const std::vector<const generation::TokenIds*>& prompts,
                                std::int64_t shared, std::int64_t room) {
    std::vector<generation::TokenIds> rest;
    for (const generation::TokenIds* prompt : prompts) {
      rest.emplace_back(prompt->begin() + static_cast<std::ptrdiff_t>(shared), prompt->end());
    }
    KvCache beginning;
    if (shared > 0) {
      const auto end = prompts.front()->begin() + static_cast<std::ptrdiff_t>(shared);
      beginning = prefixes_.of(model_, generation::TokenIds(prompts.front()->begin(), end),
                               static_cast<std::int64_t>(prompts.front()->size()));
    }
    std::vector<std::int64_t> place(prompts.size());
    const std::vector<std::int64_t> one_each(prompts.size(), 1);
    for (const auto& group :
         generation::group_by_length(rest, one_each, model_.architecture().vocab, limits_)) {
      std::vector<generation::TokenIds> ids;
      for (const std::size_t prompt : group) {
        ids.push_back(rest[prompt]);
        place[prompt] = next_++;
      }
      batches_.push_back(
          shared > 0
              ? generation::RaggedBatch(model_, beginning, static_cast<std::int64_t>(group.size()))
              : generation::RaggedBatch(model_));
      batches_.back().reserve(static_cast<std::int64_t>(ids.front().size()) + room);
      logits_.push_back(batches_.back().append(ids, std::vector<std::int64_t>(ids.size(), 1)));
    }
    return place;
  }

  // The rows in the order of their places; a place may come again.
  generation::RaggedBatch take(const std::vector<std::int64_t>& places, at::Tensor& logits) {
    logits = at::cat(logits_, 0);
    generation::RaggedBatch batch = generation::RaggedBatch::join(batches_);
    batches_.clear();
    bool in_order = static_cast<std::int64_t>(places.size()) == next_;
    for (std::size_t i = 0; in_order && i < places.size(); ++i) {
      in_order = places[i] == static_cast<std::int64_t>(i);
    }
    if (in_order) return batch;
    logits = logits.index_select(0, at::tensor(places, at::kLong).to(logits.device()));
    return batch.select(places);
  }

 private:
  const EditedModel& model_;
  generation::PrefixCache& prefixes_;
  generation::BatchLimits limits_;
  std::vector<generation::RaggedBatch> batches_;
  std::vector<at::Tensor> logits_;
  std::int64_t next_ = 0;
};

void Generator::add_rows(const std::vector<generation::TokenIds>& prompts) {
  std::map<generation::TokenIds, std::size_t> numbers;
  for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
    const auto [entry, added] = numbers.emplace(prompts[prompt], distinct_.size());
    if (added) distinct_.push_back(prompts[prompt]);
    for (std::int64_t sample = 0; sample < options_.samples; ++sample) {
      rows_.push_back({prompt, sample, entry->second, {}, {}});
    }
  }
}

// Greedy results depend on the prompt alone: then only the first row of a distinct prompt runs.
// Rows of a cluster run together where there are enough of them, else rows of all lengths do.
std::vector<Generation> Generator::run() {
  std::vector<std::vector<Row*>> by_cluster(clusters_.size());
  std::vector<Row*> first_of(distinct_.size(), nullptr);
  for (Row& row : rows_) {
    Row*& first = first_of[row.distinct];
    if (first == nullptr || !greedy()) by_cluster[cluster_of_[row.distinct]].push_back(&row);
    if (first == nullptr) first = &row;
  }
  std::vector<Row*> mixed;
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    const bool own = clusters_[i].shared > 0 && by_cluster[i].size() >= kOwnBatch;
    if (own || clusters_.size() == 1) {
      run_rows(by_cluster[i], clusters_[i].shared > 0);
    } else {
      mixed.insert(mixed.end(), by_cluster[i].begin(), by_cluster[i].end());
    }
  }
  run_rows(mixed, false);
  std::vector<Generation> results;
  results.reserve(rows_.size());
  for (const Row& row : rows_) {
    results.push_back(greedy() ? first_of[row.distinct]->generation : row.generation);
  }
  return results;
}

std::int64_t Generator::row_bytes(const Row& row, bool shared) const {
  const Architecture& a = model_.architecture();
  const generation::TokenIds& prompt = distinct_[row.distinct];
  const auto own = static_cast<std::int64_t>(prompt.size()) + options_.max_tokens -
                   (shared ? clusters_[cluster_of_[row.distinct]].shared : 0);
  const auto width = static_cast<std::int64_t>(model_.weights().token_embedding.element_size());
  return 2 * a.layers * a.kv_heads * a.head_dim * own * width;
}

// In batches, longest first; as many rows in one as the limits allow.
void Generator::run_rows(std::vector<Row*> rows, bool shared) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) {
    return distinct_[a->distinct].size() > distinct_[b->distinct].size();
  });
  std::vector<Row*> batch;
  std::int64_t bytes = 0;
  for (Row* row : rows) {
    const std::int64_t more = row_bytes(*row, shared);
    const bool full = static_cast<std::int64_t>(batch.size()) == batch_rows_;
    if (!batch.empty() && (full || bytes + more > kBatchBytes)) {
      run_batch(std::exchange(batch, {}));
      bytes = 0;
    }
    batch.push_back(row);
    bytes += more;
  }
  if (!batch.empty()) run_batch(std::move(batch));
}

// The prompts of the rows in the cache, each computed once, and the logits after each row's prompt.
generation::RaggedBatch Generator::prefill(const std::vector<Row*>& rows,
                                           at::Tensor& logits) const {
  std::map<std::size_t, std::vector<std::size_t>> by_cluster;  // cluster -> distinct prompts
  std::map<std::size_t, std::int64_t> place_of;                // distinct prompt -> row
  for (const Row* row : rows) {
    if (place_of.emplace(row->distinct, 0).second) {
      by_cluster[cluster_of_[row->distinct]].push_back(row->distinct);
    }
  }
  Prefill prompts(model_, prefixes_, batch_rows_);
  for (const auto& [cluster, members] : by_cluster) {
    std::vector<const generation::TokenIds*> ids;
    for (const std::size_t prompt : members) ids.push_back(&distinct_[prompt]);
    const auto places =
        prompts.add(ids, clusters_[cluster].shared, std::min(kRoom, options_.max_tokens));
    for (std::size_t i = 0; i < members.size(); ++i) place_of[members[i]] = places[i];
  }
  std::vector<std::int64_t> order;
  for (const Row* row : rows) order.push_back(place_of.at(row->distinct));
  return prompts.take(order, logits);
}

// Prompt and new tokens of the rows by whole passes: what takes the place of their caches.
generation::RaggedBatch Generator::compute_anew(const std::vector<Row*>& rows,
                                                at::Tensor& logits) const {
  std::vector<generation::TokenIds> texts;
  for (const Row* row : rows) {
    texts.push_back(distinct_[row->distinct]);
    const generation::TokenIds& written = row->generation.ids;
    texts.back().insert(texts.back().end(), written.begin(), written.end());
  }
  std::vector<const generation::TokenIds*> prompts;
  for (const generation::TokenIds& text : texts) prompts.push_back(&text);
  Prefill prefill(model_, prefixes_, batch_rows_);
  const auto places = prefill.add(prompts, 0, std::min(kRoom, options_.max_tokens));
  return prefill.take(places, logits);
}

// Runs the next token of every row. One that makes its text longer than longrope's first length
// turns all of the text otherwise: such rows are computed anew, and stand last from then on.
at::Tensor Generator::append(generation::RaggedBatch& batch, std::vector<Row*>& rows,
                             std::vector<generation::TokenIds> next) const {
  const auto first_length = model_.architecture().first_length();
  std::vector<bool> staying;
  std::vector<Row*> crossing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    staying.push_back(!first_length || batch.length(i) != *first_length);
    if (!staying.back()) crossing.push_back(rows[i]);
  }
  const auto one_each = [](const auto& list) { return std::vector<std::int64_t>(list.size(), 1); };
  if (crossing.empty()) return batch.append(next, one_each(next));

  at::Tensor logits;
  generation::RaggedBatch anew = compute_anew(crossing, logits);
  std::vector<Row*> order;
  std::vector<generation::TokenIds> rest;
  for (const std::int64_t row : batch.keep(staying)) {
    order.push_back(rows[static_cast<std::size_t>(row)]);
    rest.push_back(next[static_cast<std::size_t>(row)]);
  }
  if (rest.empty()) {
    batch = std::move(anew);
  } else {
    logits = at::cat({batch.append(rest, one_each(rest)), logits});
    batch = generation::RaggedBatch::join({batch, anew});
  }
  order.insert(order.end(), crossing.begin(), crossing.end());
  rows = std::move(order);
  return logits;
}

generation::TokenIds Generator::choose(const std::vector<Row*>& rows,
                                       const at::Tensor& logits) const {
  generation::TokenIds chosen;
  if (greedy()) {
    const at::Tensor best = logits.argmax(-1).to(at::kCPU).contiguous();
    chosen.assign(best.data_ptr<std::int64_t>(), best.data_ptr<std::int64_t>() + best.numel());
    return chosen;
  }
  const at::Tensor local = logits.to(at::kCPU).contiguous();
  const std::int64_t vocab = local.size(1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = *rows[i];
    const double uniform = generation::stream_uniform(options_.seed, row.prompt,
                                                      static_cast<std::uint64_t>(row.sample),
                                                      row.generation.ids.size());
    chosen.push_back(generation::sample_token(
        local.data_ptr<float>() + static_cast<std::int64_t>(i) * vocab, vocab, options_, uniform));
  }
  return chosen;
}

// Cuts the text where the first stop string begins, if there is one.
bool Generator::at_stop_string(Row& row) const {
  auto text = stops_->find(row.stop, row.generation.ids);
  if (!text) return false;
  row.generation.text = *std::move(text);
  return true;
}

// Adds the token to its row; false when the row is finished.
bool Generator::accept(Row& row, std::int64_t token, std::int64_t next_position) const {
  Generation& generation = row.generation;
  const Architecture& architecture = model_.architecture();
  const auto& eos = architecture.eos_ids;
  const auto finish = [&](StopReason reason) {
    generation.stopped = reason;
    const bool cut = reason == StopReason::stop;
    if (!cut && tokenizer_ != nullptr) generation.text = tokenizer_->decode(generation.ids);
    return false;
  };
  if (!options_.ignore_eos && std::find(eos.begin(), eos.end(), token) != eos.end()) {
    return finish(StopReason::eos);
  }
  generation.ids.push_back(token);
  if (stops_ && at_stop_string(row)) return finish(StopReason::stop);
  if (static_cast<std::int64_t>(generation.ids.size()) == options_.max_tokens) {
    return finish(StopReason::length);
  }
  const auto limit = architecture.position_limit();
  return limit && next_position >= *limit ? finish(StopReason::positions) : true;
}

void Generator::run_batch(std::vector<Row*> rows) {
  if (options_.max_tokens == 0) return;
  at::Tensor logits;
  generation::RaggedBatch batch = prefill(rows, logits);
  batch.reserve(std::min(kRoom, options_.max_tokens));
  while (true) {
    const generation::TokenIds chosen = choose(rows, logits);
    std::vector<bool> going;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      going.push_back(accept(*rows[i], chosen[i], batch.length(i)));
    }
    if (std::find(going.begin(), going.end(), true) == going.end()) return;
    std::vector<generation::TokenIds> next;
    if (std::find(going.begin(), going.end(), false) == going.end()) {
      for (const std::int64_t token : chosen) next.push_back({token});
    } else {
      std::vector<Row*> kept;
      for (const std::int64_t row : batch.keep(going)) {
        kept.push_back(rows[static_cast<std::size_t>(row)]);
        next.push_back({chosen[static_cast<std::size_t>(row)]});
      }
      rows = std::move(kept);
    }
    logits = append(batch, rows, std::move(next));
  }
}

}  // namespace

std::vector<Generation> generate_ids(const EditedModel& model,
                                     const std::vector<generation::TokenIds>& prompts,
                                     const GenerateOptions& options, std::int64_t batch_rows,
                                     generation::PrefixCache* prefixes) {
  check_options(options, model.base().has_tokenizer(), batch_rows);
  generation::check_prompts(model.architecture(), prompts, "generating");
  const c10::InferenceMode inference;
  generation::PrefixCache of_this_call(kPrefixBytes);
  generation::PrefixCache& found = prefixes != nullptr ? *prefixes : of_this_call;
  return Generator(model, prompts, options, batch_rows, found).run();
}

}  // namespace kedit
