#include "model/generation.hpp"

#include "model/prompts.hpp"
#include "model/ragged_batch.hpp"
#include "model/sampling.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace kedit {
namespace {

// One result in the making: sample number `sample` of the prompt `prompt`.
struct Row {
  std::size_t prompt = 0;
  std::int64_t sample = 0;
  std::size_t distinct = 0;  // which of the distinct prompts
  Generation generation;
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
  Generator(const EditedModel& model, const std::vector<TokenIds>& prompts,
            const GenerateOptions& options, std::int64_t batch_rows)
      : model_(model), options_(options), batch_rows_(batch_rows), shared_(model) {
    if (model.base().has_tokenizer()) tokenizer_ = &model.tokenizer();
    add_rows(prompts);
    shared_ = SharedPrefix(model, distinct_);
  }

  std::vector<Generation> run();

 private:
  bool greedy() const { return options_.temperature == 0.0; }
  void add_rows(const std::vector<TokenIds>& prompts);
  void run_batch(std::vector<Row*> rows);
  RaggedBatch prefill(const std::vector<Row*>& rows, at::Tensor& logits) const;
  TokenIds choose(const std::vector<Row*>& rows, const at::Tensor& logits) const;
  bool accept(Row& row, std::int64_t token, std::int64_t next_position) const;
  bool at_stop_string(Generation& generation) const;

  const EditedModel& model_;
  const GenerateOptions& options_;
  std::int64_t batch_rows_;
  const Tokenizer* tokenizer_ = nullptr;
  std::vector<TokenIds> distinct_;
  std::vector<Row> rows_;
  SharedPrefix shared_;
};

void Generator::add_rows(const std::vector<TokenIds>& prompts) {
  std::map<TokenIds, std::size_t> numbers;
  for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
    const auto [entry, added] = numbers.emplace(prompts[prompt], distinct_.size());
    if (added) distinct_.push_back(prompts[prompt]);
    for (std::int64_t sample = 0; sample < options_.samples; ++sample) {
      rows_.push_back({prompt, sample, entry->second, {}});
    }
  }
}

// Greedy results depend on the prompt alone: then only the first row of a distinct prompt runs.
std::vector<Generation> Generator::run() {
  std::vector<Row*> waiting;
  std::vector<Row*> first_of(distinct_.size(), nullptr);
  for (Row& row : rows_) {
    Row*& first = first_of[row.distinct];
    if (first == nullptr || !greedy()) waiting.push_back(&row);
    if (first == nullptr) first = &row;
  }
  std::stable_sort(waiting.begin(), waiting.end(), [&](const Row* a, const Row* b) {
    return distinct_[a->distinct].size() > distinct_[b->distinct].size();
  });
  const auto size = static_cast<std::size_t>(batch_rows_);
  for (std::size_t begin = 0; begin < waiting.size(); begin += size) {
    const auto first = waiting.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = std::min(size, waiting.size() - begin);
    run_batch({first, first + static_cast<std::ptrdiff_t>(count)});
  }
  std::vector<Generation> results;
  results.reserve(rows_.size());
  for (const Row& row : rows_) {
    results.push_back(greedy() ? first_of[row.distinct]->generation : row.generation);
  }
  return results;
}

// The prompts of the rows in the cache, each computed once, and the logits after each row's prompt.
RaggedBatch Generator::prefill(const std::vector<Row*>& rows, at::Tensor& logits) const {
  std::map<std::size_t, std::size_t> number_of;  // distinct prompt -> number among these prompts
  std::vector<TokenIds> prompts;
  for (const Row* row : rows) {
    if (number_of.emplace(row->distinct, prompts.size()).second) {
      prompts.push_back(shared_.rest(distinct_[row->distinct]));
    }
  }
  const std::vector<std::int64_t> wanted(prompts.size(), 1);
  const auto groups = group_by_length(prompts, wanted, model_.architecture().vocab, {batch_rows_});
  std::vector<RaggedBatch> batches;
  std::vector<at::Tensor> last_logits;
  std::vector<std::int64_t> place(prompts.size());
  std::int64_t next = 0;
  for (const auto& group : groups) {
    std::vector<TokenIds> ids;
    for (const std::size_t prompt : group) {
      ids.push_back(prompts[prompt]);
      place[prompt] = next++;
    }
    batches.push_back(shared_.start(group.size()));
    last_logits.push_back(batches.back().append(ids, std::vector<std::int64_t>(ids.size(), 1)));
  }
  std::vector<std::int64_t> order;
  for (const Row* row : rows) order.push_back(place[number_of.at(row->distinct)]);
  logits = at::cat(last_logits, 0);
  logits = logits.index_select(0, at::tensor(order, at::kLong).to(logits.device()));
  return RaggedBatch::join(batches).select(order);
}

TokenIds Generator::choose(const std::vector<Row*>& rows, const at::Tensor& logits) const {
  TokenIds chosen;
  if (greedy()) {
    const at::Tensor best = logits.argmax(-1).to(at::kCPU).contiguous();
    chosen.assign(best.data_ptr<std::int64_t>(), best.data_ptr<std::int64_t>() + best.numel());
    return chosen;
  }
  const at::Tensor local = logits.to(at::kCPU).contiguous();
  const std::int64_t vocab = local.size(1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = *rows[i];
    const double uniform =
        stream_uniform(options_.seed, row.prompt, static_cast<std::uint64_t>(row.sample),
                       row.generation.ids.size());
    chosen.push_back(sample_token(local.data_ptr<float>() + static_cast<std::int64_t>(i) * vocab,
                                  vocab, options_, uniform));
  }
  return chosen;
}

// Cuts the text where the first stop string begins, if there is one.
bool Generator::at_stop_string(Generation& generation) const {
  const std::string text = tokenizer_->decode(generation.ids);
  std::size_t cut = std::string::npos;
  for (const std::string& stop : options_.stop) cut = std::min(cut, text.find(stop));
  if (cut == std::string::npos) return false;
  generation.text = text.substr(0, cut);
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
  if (!options_.stop.empty() && at_stop_string(generation)) return finish(StopReason::stop);
  if (static_cast<std::int64_t>(generation.ids.size()) == options_.max_tokens) {
    return finish(StopReason::length);
  }
  const auto limit = architecture.position_limit();
  return limit && next_position >= *limit ? finish(StopReason::positions) : true;
}

void Generator::run_batch(std::vector<Row*> rows) {
  if (options_.max_tokens == 0) return;
  at::Tensor logits;
  RaggedBatch batch = prefill(rows, logits);
  while (true) {
    const TokenIds chosen = choose(rows, logits);
    std::vector<Row*> going;
    std::vector<std::int64_t> kept;
    std::vector<TokenIds> next;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!accept(*rows[i], chosen[i], batch.length(i))) continue;
      going.push_back(rows[i]);
      kept.push_back(static_cast<std::int64_t>(i));
      next.push_back({chosen[i]});
    }
    if (going.empty()) return;
    if (going.size() < rows.size()) batch = batch.select(kept);
    rows = std::move(going);
    logits = batch.append(next, std::vector<std::int64_t>(rows.size(), 1));
  }
}

}  // namespace

std::vector<Generation> generate_ids(const EditedModel& model, const std::vector<TokenIds>& prompts,
                                     const GenerateOptions& options, std::int64_t batch_rows) {
  check_options(options, model.base().has_tokenizer(), batch_rows);
  check_prompts(model.architecture(), prompts, "generating");
  const c10::InferenceMode inference;
  return Generator(model, prompts, options, batch_rows).run();
}

}  // namespace kedit
