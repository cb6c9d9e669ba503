#include "model/decoder.hpp"

#include <ATen/ATen.h>

namespace kedit {
namespace {

template <class Change>
KvCache changed(const KvCache& cache, const Change& change) {
  KvCache out = cache;
  for (auto* tensors : {&out.keys, &out.values}) {
    for (auto& tensor : *tensors) {
      if (tensor.defined()) tensor = change(tensor);
    }
  }
  return out;
}

}  // namespace

std::int64_t KvCache::length() const {
  for (const auto& tensor : keys) {
    if (tensor.defined()) return tensor.size(2);
  }
  return 0;
}

KvCache KvCache::select_rows(const at::Tensor& rows) const {
  return changed(*this, [&](const at::Tensor& tensor) { return tensor.index_select(0, rows); });
}

KvCache KvCache::truncate(std::int64_t length) const {
  return changed(*this, [&](const at::Tensor& tensor) { return tensor.narrow(2, 0, length); });
}

KvCache KvCache::expand_rows(std::int64_t batch) const {
  return changed(*this, [&](const at::Tensor& tensor) {
    return tensor.expand({batch, tensor.size(1), tensor.size(2), tensor.size(3)});
  });
}

}  // namespace kedit
