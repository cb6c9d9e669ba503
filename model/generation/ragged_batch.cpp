#include "model/generation/ragged_batch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace kedit::generation {
namespace {

// Of a group's width, the part that a row may leave empty once the group has tokens enough for the
// matrix products to be efficient: a sixteenth.
constexpr std::int64_t kLittlePadding = 16, kEfficientTokens = 256;

std::int64_t longest(const std::vector<TokenIds>& ids) {
  std::size_t width = 0;
  for (const TokenIds& row : ids) width = std::max(width, row.size());
  return static_cast<std::int64_t>(width);
}

// A tensor of our own from values that go away, [rows, columns] or flat.
at::Tensor to_tensor(const std::vector<std::int64_t>& values, at::IntArrayRef shape,
                     const at::Device& device) {
  const auto count = static_cast<std::int64_t>(values.size());
  at::Tensor tensor = at::empty({count}, at::TensorOptions().dtype(at::kLong));
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor.view(shape).to(device);
}

at::Tensor padded(const std::vector<TokenIds>& ids, std::int64_t width, const at::Device& device) {
  std::vector<std::int64_t> values;
  values.reserve(ids.size() * static_cast<std::size_t>(width));
  for (const TokenIds& row : ids) {
    values.insert(values.end(), row.begin(), row.end());
    values.resize(values.size() + static_cast<std::size_t>(width) - row.size(), row.back());
  }
  return to_tensor(values, {static_cast<std::int64_t>(ids.size()), width}, device);
}

// Flat indices into [rows, width] of the last `wanted` tokens of every row.
at::Tensor last_positions(const std::vector<TokenIds>& ids, const std::vector<std::int64_t>& wanted,
                          std::int64_t width, const at::Device& device) {
  std::vector<std::int64_t> flat;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    const auto begin = static_cast<std::int64_t>(row) * width;
    const auto length = static_cast<std::int64_t>(ids[row].size());
    for (std::int64_t i = length - wanted[row]; i < length; ++i) flat.push_back(begin + i);
  }
  const auto count = static_cast<std::int64_t>(flat.size());
  return to_tensor(flat, {count}, device);
}

bool all_equal(const std::vector<std::int64_t>& values, std::int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](auto other) { return other == value; });
}

at::Tensor all_valid(std::int64_t rows, std::int64_t columns, const at::Device& device) {
  return at::ones({rows, columns}, at::TensorOptions().dtype(at::kBool).device(device));
}

// Whether attention reads shared columns in place: each token sees all of them, the scores go into
// the softmax as they are, and the device has the kernel. Otherwise every row gets a copy.
bool reads_shared_columns(const Architecture& architecture, const at::Tensor& like) {
  return architecture.windowed_layers.empty() && architecture.attention_cap == 0.0 &&
         like.device().is_cpu();
}

bool shares_one_beginning(const std::vector<KvCache>& caches) {
  const auto beginning = [](const KvCache& cache) {
    return cache.shared_keys.empty() ? nullptr : cache.shared_keys.front().const_data_ptr();
  };
  return std::all_of(caches.begin(), caches.end(), [&](const KvCache& cache) {
    return cache.shared_length() == caches.front().shared_length() &&
           beginning(cache) == beginning(caches.front());
  });
}

}  // namespace

RaggedBatch::RaggedBatch(const EditedModel& model, const KvCache& beginning, std::int64_t rows)
    : model_(&model) {
  begin_with(beginning, beginning.length(), rows);
}

void RaggedBatch::begin_with(const KvCache& beginning, std::int64_t length, std::int64_t rows) {
  lengths_.assign(static_cast<std::size_t>(rows), length);
  if (rows == 1) {
    cache_ = beginning;
  } else if (reads_shared_columns(model_->architecture(), model_->weights().token_embedding)) {
    cache_ = beginning.shared();
  } else {
    cache_ = beginning.expand_rows(rows);
  }
}

RaggedBatch RaggedBatch::fork(std::int64_t rows) const {
  RaggedBatch result(*model_);
  result.begin_with(cache_.unshared(1), lengths_.front(), rows);
  if (valid_.defined()) result.valid_ = valid_.expand({rows, valid_.size(1)});
  return result;
}

std::vector<std::int64_t> RaggedBatch::keep(const std::vector<bool>& going) {
  const auto kept = static_cast<std::size_t>(std::count(going.begin(), going.end(), true));
  std::vector<std::int64_t> from;
  std::size_t last = going.size();
  for (std::size_t row = 0; row < kept; ++row) {
    std::size_t source = row;
    if (!going[row]) {  // the last row that goes on fills the gap
      do {
        --last;
      } while (!going[last]);
      source = last;
    }
    from.push_back(static_cast<std::int64_t>(source));
  }
  std::vector<std::int64_t> lengths;
  for (const std::int64_t row : from) lengths.push_back(lengths_[static_cast<std::size_t>(row)]);
  lengths_ = std::move(lengths);
  cache_.keep_rows(from);
  if (valid_.defined()) {
    const auto count = static_cast<std::int64_t>(from.size());
    valid_ = valid_.index_select(0, to_tensor(from, {count}, valid_.device()));
  }
  return from;
}

// Undefined, which means "right after the cached columns", where that is so for every row. Longrope
// asks how far each row goes: there padding must not count.
at::Tensor RaggedBatch::positions(const std::vector<TokenIds>& ids, std::int64_t width) const {
  const auto first_length = model_->architecture().first_length();
  const bool padding_counts = first_length && columns() + width > *first_length;
  if (all_equal(lengths_, columns()) && !padding_counts) return {};
  std::vector<std::int64_t> values;
  values.reserve(ids.size() * static_cast<std::size_t>(width));
  for (std::size_t row = 0; row < ids.size(); ++row) {
    const auto last = static_cast<std::int64_t>(ids[row].size()) - 1;
    for (std::int64_t i = 0; i < width; ++i) values.push_back(lengths_[row] + std::min(i, last));
  }
  return to_tensor(values, {rows(), width}, model_->weights().token_embedding.device());
}

void RaggedBatch::remember(const std::vector<TokenIds>& ids, std::int64_t width) {
  const auto& device = model_->weights().token_embedding.device();
  const bool even = std::all_of(ids.begin(), ids.end(), [&](const TokenIds& row) {
    return static_cast<std::int64_t>(row.size()) == width;
  });
  if (!even || valid_.defined()) {
    const at::Tensor before =
        valid_.defined() ? valid_ : all_valid(rows(), columns() - width, device);
    std::vector<std::int64_t> counts;
    for (const TokenIds& row : ids) counts.push_back(static_cast<std::int64_t>(row.size()));
    const at::Tensor fresh =
        at::arange(width, at::TensorOptions().dtype(at::kLong).device(device)).unsqueeze(0) <
        to_tensor(counts, {rows(), 1}, device);
    valid_ = at::cat({before, fresh}, 1);
  }
  for (std::size_t row = 0; row < ids.size(); ++row) {
    lengths_[row] += static_cast<std::int64_t>(ids[row].size());
  }
}

at::Tensor RaggedBatch::append(const std::vector<TokenIds>& ids,
                               const std::vector<std::int64_t>& wanted) {
  const auto& device = model_->weights().token_embedding.device();
  const std::int64_t width = longest(ids);
  if (lengths_.empty()) lengths_.assign(ids.size(), 0);
  ForwardInput input;
  input.ids = padded(ids, width, device);
  input.positions = positions(ids, width);
  if (valid_.defined()) input.key_mask = at::cat({valid_, all_valid(rows(), width, device)}, 1);
  input.logit_positions = last_positions(ids, wanted, width, device);
  input.want_logits = input.logit_positions.numel() > 0;
  const ForwardOutput output = model_->forward(input, &cache_);
  remember(ids, width);
  return output.logits.defined() ? output.logits.to(at::kFloat) : at::Tensor();
}

RaggedBatch RaggedBatch::select(const std::vector<std::int64_t>& rows) const {
  RaggedBatch result(*model_);
  const auto count = static_cast<std::int64_t>(rows.size());
  if (lengths_.size() == 1 && count > 1) {  // one row for all: no copy before the next append
    result.cache_ = cache_.expand_rows(count);
    if (valid_.defined()) result.valid_ = valid_.expand({count, valid_.size(1)});
  } else {
    const at::Tensor index = to_tensor(rows, {count}, model_->weights().token_embedding.device());
    result.cache_ = cache_.select_rows(index);
    if (valid_.defined()) result.valid_ = valid_.index_select(0, index);
  }
  for (const std::int64_t row : rows) {
    result.lengths_.push_back(lengths_[static_cast<std::size_t>(row)]);
  }
  return result;
}

// The same rows with unused columns up to `columns`.
RaggedBatch RaggedBatch::widened(std::int64_t columns) const {
  RaggedBatch result = *this;
  const std::int64_t more = columns - this->columns();
  if (more == 0) return result;
  for (auto* tensors : {&result.cache_.keys, &result.cache_.values}) {
    for (at::Tensor& tensor : *tensors) tensor = at::constant_pad_nd(tensor, {0, 0, 0, more});
  }
  const auto& device = model_->weights().token_embedding.device();
  const at::Tensor before = valid_.defined() ? valid_ : all_valid(rows(), this->columns(), device);
  result.valid_ = at::cat({before, all_valid(rows(), more, device).logical_not()}, 1);
  return result;
}

RaggedBatch RaggedBatch::join(const std::vector<RaggedBatch>& batches) {
  if (batches.size() == 1) return batches.front();
  std::int64_t columns = 0;
  std::vector<KvCache> caches;
  for (const RaggedBatch& batch : batches) {
    columns = std::max(columns, batch.columns());
    caches.push_back(batch.cache_);
  }
  const bool one_beginning = shares_one_beginning(caches);
  RaggedBatch result(*batches.front().model_);
  std::vector<RaggedBatch> wide;
  bool all_columns_valid = true;
  for (const RaggedBatch& batch : batches) {
    RaggedBatch own = batch;
    if (!one_beginning) own.cache_ = own.cache_.unshared(own.rows());
    wide.push_back(own.widened(columns));
    all_columns_valid = all_columns_valid && !wide.back().valid_.defined();
    result.lengths_.insert(result.lengths_.end(), batch.lengths_.begin(), batch.lengths_.end());
  }
  const auto joined = [&](auto tensor_of) {
    std::vector<at::Tensor> parts;
    for (const RaggedBatch& batch : wide) parts.push_back(tensor_of(batch));
    return at::cat(parts, 0);
  };
  result.cache_ = wide.front().cache_;
  result.cache_.keys.clear();
  result.cache_.values.clear();
  const std::size_t layers = wide.front().cache_.keys.size();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    result.cache_.keys.push_back(
        joined([&](const RaggedBatch& batch) { return batch.cache_.keys[layer]; }));
    result.cache_.values.push_back(
        joined([&](const RaggedBatch& batch) { return batch.cache_.values[layer]; }));
  }
  if (all_columns_valid) return result;
  const auto& device = result.model_->weights().token_embedding.device();
  result.valid_ = joined([&](const RaggedBatch& batch) {
    return batch.valid_.defined() ? batch.valid_ : all_valid(batch.rows(), columns, device);
  });
  return result;
}

std::vector<std::vector<std::size_t>> group_by_length(const std::vector<TokenIds>& rows,
                                                      const std::vector<std::int64_t>& wanted,
                                                      std::int64_t vocab,
                                                      const BatchLimits& limits) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].size() > rows[b].size(); });
  std::vector<std::vector<std::size_t>> groups;
  std::int64_t logits = 0;
  for (const std::size_t row : order) {
    const std::int64_t more = wanted[row] * vocab;
    const auto fits = [&](const std::vector<std::size_t>& group) {
      const auto width = static_cast<std::int64_t>(rows[group.front()].size());
      const auto count = static_cast<std::int64_t>(group.size()) + 1;
      const auto length = static_cast<std::int64_t>(rows[row].size());
      const bool pads_little = kLittlePadding * (width - length) <= width;
      return count <= limits.rows && count * width <= limits.tokens &&
             logits + more <= limits.logits && 2 * length >= width &&
             (pads_little || count * width <= kEfficientTokens);
    };
    if (groups.empty() || !fits(groups.back())) {
      groups.emplace_back();
      logits = 0;
    }
    groups.back().push_back(row);
    logits += more;
  }
  return groups;
}

}  // namespace kedit::generation
