#include "model/checkpoint/stored_weights.hpp"

#include "kernels/finite.hpp"
#include "kernels/workers.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>

namespace kedit::checkpoint {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 22;  // elements of one task

struct Chunk {
  std::size_t tensor;
  std::int64_t begin, end;  // elements
};

// A tensor that must be read first is one task.
std::vector<Chunk> chunks_of(const StoredWeights::Tensors& tensors) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::int64_t count = tensors[i].elements();
    const std::int64_t step = tensors[i].at_hand ? kChunk : std::max<std::int64_t>(count, 1);
    for (std::int64_t begin = 0; begin < count; begin += step) {
      chunks.push_back({i, begin, std::min(begin + step, count)});
    }
  }
  return chunks;
}

kernels::WeightType weight_type(c10::ScalarType dtype) {
  if (dtype == c10::ScalarType::BFloat16) return kernels::WeightType::bfloat16;
  return dtype == c10::ScalarType::Half ? kernels::WeightType::float16
                                        : kernels::WeightType::float32;
}

// `tensor` is contiguous, on the CPU and of a floating type.
bool is_finite(const at::Tensor& tensor, const Chunk& chunk) {
  const auto dtype = tensor.scalar_type();
  if (dtype == c10::ScalarType::Double) {
    const auto* values = tensor.const_data_ptr<double>();
    return std::all_of(values + chunk.begin, values + chunk.end,
                       [](double value) { return std::isfinite(value); });
  }
  const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
  return kernels::all_finite(bytes + chunk.begin * tensor.element_size(), weight_type(dtype),
                             chunk.end - chunk.begin);
}

}  // namespace

StoredTensor::StoredTensor(std::string its_name, at::Tensor tensor)
    : name(std::move(its_name)),
      dtype(tensor.scalar_type()),
      shape(tensor.sizes().vec()),
      read([tensor = std::move(tensor)] { return tensor; }),
      at_hand(true) {}

StoredTensor::StoredTensor(std::string its_name, c10::ScalarType its_dtype,
                           std::vector<std::int64_t> its_shape, std::function<at::Tensor()> reader)
    : name(std::move(its_name)),
      dtype(its_dtype),
      shape(std::move(its_shape)),
      read(std::move(reader)),
      at_hand(false) {}

std::int64_t StoredTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<StoredTensor> stored_tensors(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::vector<StoredTensor> stored;
  for (const auto& [name, tensor] : tensors) stored.emplace_back(name, tensor);
  return stored;
}

c10::ScalarType bulk_dtype(const StoredWeights::Tensors& tensors) {
  std::map<c10::ScalarType, std::int64_t> elements;
  for (const StoredTensor& tensor : tensors) elements[tensor.dtype] += tensor.elements();
  auto best = elements.begin();
  for (auto it = elements.begin(); it != elements.end(); ++it) {
    if (it->second > best->second) best = it;
  }
  return best == elements.end() ? c10::ScalarType::Float : best->first;
}

StoredWeights::StoredWeights(Tensors tensors, std::optional<CheckpointMemory> memory, bool verify)
    : tensors_(std::move(tensors)),
      dtype_(bulk_dtype(tensors_)),
      memory_(std::move(memory)),
      verify_(verify) {
  if (memory_) recalled_ = memory_->recall();
}

StoredWeights::StoredWeights(const NamedTensors& tensors, std::optional<CheckpointMemory> memory,
                             bool verify)
    : StoredWeights(stored_tensors(tensors), std::move(memory), verify) {}

std::optional<std::size_t> StoredWeights::first_nonfinite(int threads) {
  if (!verify_ && recalled_ && recalled_->finite) {
    finite_ = true;
    return std::nullopt;
  }
  read_ = true;
  const std::vector<Chunk> chunks = chunks_of(tensors_);
  std::vector<char> finite(chunks.size(), 0);
  std::atomic<std::size_t> next{0};
  kernels::run_workers(std::clamp<std::int64_t>(threads, 1, std::ssize(chunks) + 1),
                       [&](std::int64_t) {
                         for (std::size_t i = next++; i < chunks.size(); i = next++) {
                           finite[i] = is_finite(tensors_[chunks[i].tensor].read(), chunks[i]);
                         }
                       });
  const auto bad = std::find(finite.begin(), finite.end(), 0);
  if (bad != finite.end()) return chunks[static_cast<std::size_t>(bad - finite.begin())].tensor;
  finite_ = true;
  remember();
  return std::nullopt;
}

// Takes the digests from the memory if it knows all of them.
bool StoredWeights::recall_digests() {
  if (verify_ || !recalled_ || recalled_->digests.size() != tensors_.size()) return false;
  std::vector<TensorDigest> known;
  for (const StoredTensor& tensor : tensors_) {
    const auto found = recalled_->digests.find(tensor.name);
    if (found == recalled_->digests.end()) return false;
    known.push_back({tensor.name, tensor.dtype, tensor.shape, found->second});
  }
  digests_ = std::move(known);
  return true;
}

void StoredWeights::hash(int threads) {
  if (!recall_digests()) {
    read_ = true;
    digests_ = tensor_digests(tensors_, threads);
    remember();
  }
  tensors_.clear();
  memory_.reset();  // lets go of the files
}

const std::vector<TensorDigest>& StoredWeights::digests(int threads) {
  std::call_once(hashed_, [&] { hash(threads); });
  return digests_;
}

std::vector<std::string> StoredWeights::verify(int threads) {
  std::vector<std::string> changed;
  for (const TensorDigest& one : digests(threads)) {
    if (!recalled_) break;
    const auto known = recalled_->digests.find(one.name);
    if (known != recalled_->digests.end() && known->second != one.sha256) {
      changed.push_back(one.name);
    }
  }
  return changed;
}

void StoredWeights::remember() const {
  if (!memory_) return;
  CheckpointFindings findings;
  findings.finite = finite_ || (!verify_ && recalled_ && recalled_->finite);
  for (const TensorDigest& one : digests_) findings.digests[one.name] = one.sha256;
  if (digests_.empty() && !verify_ && recalled_) findings.digests = recalled_->digests;
  memory_->remember(findings);
}

}  // namespace kedit::checkpoint
