#include "model/decoder/block_rows.hpp"
#include "model/decoder/decoder.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

namespace kedit {

/// One buffer a layer, [rows, kv_heads, room, head_dim]. `used` columns belong to one cache or
/// another: a cache that ends there may go on in place, a copy that ends before must move out.
struct KvCache::Room {
  std::vector<at::Tensor> keys, values;
  std::vector<std::int64_t> used;
};

namespace {

constexpr std::int64_t kLeastRoom = 32;  // columns more than are needed, at least

std::size_t index(std::int64_t layer) { return static_cast<std::size_t>(layer); }

template <class Change>
void change_all(std::vector<at::Tensor>& tensors, const Change& change) {
  for (auto& tensor : tensors) {
    if (tensor.defined()) tensor = change(tensor);
  }
}

at::Tensor joined(const at::Tensor& before, const at::Tensor& fresh) {
  return before.defined() ? at::cat({before, fresh}, 2) : fresh;
}

// The columns of `fresh` written behind the first `length` of a buffer; returns all of them.
at::Tensor written(const at::Tensor& buffer, std::int64_t length, const at::Tensor& fresh) {
  const at::Tensor rows =
      buffer.size(0) == fresh.size(0) ? buffer : buffer.narrow(0, 0, fresh.size(0));
  at::Tensor all = rows.narrow(2, 0, length + fresh.size(2));
  if (!decoder::copy_columns(all, length, fresh)) {
    all.narrow(2, length, fresh.size(2)).copy_(fresh);
  }
  return all;
}

}  // namespace

std::int64_t KvCache::shared_length() const {
  return shared_keys.empty() ? 0 : shared_keys.front().size(2);
}

std::int64_t KvCache::length(std::int64_t layer) const {
  if (index(layer) >= keys.size()) return shared_length();
  const at::Tensor& own = keys[index(layer)];
  return shared_length() + (own.defined() ? own.size(2) : 0);
}

std::int64_t KvCache::length() const {
  for (const auto& tensor : keys) {
    if (tensor.defined()) return shared_length() + tensor.size(2);
  }
  return shared_length();
}

KvCache KvCache::select_rows(const at::Tensor& rows) const {
  KvCache out = *this;
  out.room_.reset();
  const auto chosen = [&](const at::Tensor& tensor) { return tensor.index_select(0, rows); };
  change_all(out.keys, chosen);
  change_all(out.values, chosen);
  return out;
}

KvCache KvCache::truncate(std::int64_t length) const {
  KvCache out = *this;
  const auto beginning = [&](const at::Tensor& tensor) { return tensor.narrow(2, 0, length); };
  change_all(out.keys, beginning);
  change_all(out.values, beginning);
  return out;
}

KvCache KvCache::expand_rows(std::int64_t batch) const {
  KvCache out = *this;
  out.room_.reset();
  const auto repeated = [&](const at::Tensor& tensor) {
    return tensor.expand({batch, tensor.size(1), tensor.size(2), tensor.size(3)});
  };
  change_all(out.keys, repeated);
  change_all(out.values, repeated);
  return out;
}

bool KvCache::fits(std::int64_t layer, std::int64_t more) const {
  const at::Tensor& own = keys[index(layer)];
  if (room_ == nullptr || !own.defined()) return false;
  const at::Tensor& buffer = room_->keys[index(layer)];
  return buffer.defined() && buffer.const_data_ptr() == own.const_data_ptr() &&
         buffer.scalar_type() == own.scalar_type() && room_->used[index(layer)] == own.size(2) &&
         own.size(2) + more <= buffer.size(2);
}

// Moves the columns of a layer into buffers with room for `columns` and more.
void KvCache::make_room(std::int64_t layer, std::int64_t columns, const at::Tensor& like) {
  if (room_ == nullptr || room_.use_count() > 1) {
    room_ = std::make_shared<Room>();
    room_->keys.resize(keys.size());
    room_->values.resize(keys.size());
    room_->used.resize(keys.size(), 0);
  }
  const std::int64_t room =
      wanted_columns_ >= columns ? wanted_columns_ : columns + std::max(columns / 2, kLeastRoom);
  const auto moved = [&](at::Tensor& own, at::Tensor& buffer) {
    at::Tensor larger = at::empty({like.size(0), like.size(1), room, like.size(3)}, like.options());
    if (own.defined()) own = written(larger, 0, own);
    buffer = std::move(larger);
  };
  moved(keys[index(layer)], room_->keys[index(layer)]);
  moved(values[index(layer)], room_->values[index(layer)]);
}

void KvCache::append(std::int64_t layer, at::Tensor& key, at::Tensor& value) {
  at::Tensor& own_key = keys[index(layer)];
  at::Tensor& own_value = values[index(layer)];
  const std::int64_t before = own_key.defined() ? own_key.size(2) : 0;
  if (c10::GradMode::is_enabled() || (before == 0 && wanted_columns_ == 0)) {
    own_key = key = joined(own_key, key);
    own_value = value = joined(own_value, value);
    return;
  }
  if (!fits(layer, key.size(2))) make_room(layer, before + key.size(2), key);
  own_key = key = written(room_->keys[index(layer)], before, key);
  own_value = value = written(room_->values[index(layer)], before, value);
  room_->used[index(layer)] = own_key.size(2);
}

void KvCache::keep_rows(const std::vector<std::int64_t>& from) {
  const auto count = static_cast<std::int64_t>(from.size());
  const bool ours = room_ != nullptr && room_.use_count() == 1;
  for (std::int64_t layer = 0; layer < static_cast<std::int64_t>(keys.size()); ++layer) {
    if (!keys[index(layer)].defined()) continue;
    const bool in_place = ours && fits(layer, 0);
    for (at::Tensor* own : {&keys[index(layer)], &values[index(layer)]}) {
      if (!in_place) {
        *own = own->index_select(0, at::tensor(from, at::kLong).to(own->device()));
        continue;
      }
      for (std::int64_t i = 0; i < count; ++i) {
        if (from[index(i)] != i) own->select(0, i).copy_(own->select(0, from[index(i)]));
      }
      *own = own->narrow(0, 0, count);
    }
  }
}

void KvCache::rewind(std::int64_t length) {
  if (room_ == nullptr || room_.use_count() > 1) return;
  for (std::int64_t& used : room_->used) used = std::min(used, length);
}

KvCache KvCache::shared() const {
  KvCache out;
  out.shared_keys = keys;
  out.shared_values = values;
  out.shared_room_ = room_;
  return out;
}

KvCache KvCache::unshared(std::int64_t batch) const {
  if (shared_keys.empty()) return *this;
  KvCache out;
  out.wanted_columns_ = wanted_columns_;
  const auto whole = [&](const at::Tensor& shared, const at::Tensor& own) {
    const at::Tensor repeated =
        shared.expand({batch, shared.size(1), shared.size(2), shared.size(3)});
    return own.defined() ? at::cat({repeated, own}, 2) : repeated;
  };
  for (std::size_t layer = 0; layer < shared_keys.size(); ++layer) {
    const bool has_own = layer < keys.size();
    out.keys.push_back(whole(shared_keys[layer], has_own ? keys[layer] : at::Tensor()));
    out.values.push_back(whole(shared_values[layer], has_own ? values[layer] : at::Tensor()));
  }
  return out;
}

std::int64_t KvCache::bytes() const {
  std::int64_t total = 0;
  const auto count = [&](const std::vector<at::Tensor>& tensors) {
    for (const at::Tensor& tensor : tensors) {
      if (tensor.defined()) total += static_cast<std::int64_t>(tensor.storage().nbytes());
    }
  };
  count(keys);
  count(values);
  return total;
}

}  // namespace kedit
