#pragma once

#include "model/decoder/decoder.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

/// SHA-256 of a tensor's elements as stored (row-major, whatever its strides and device).
std::string tensor_digest(const at::Tensor& tensor);

/// A tensor as the fingerprint of a model sees it.
struct TensorDigest {
  std::string name;  ///< Checkpoint name.
  c10::ScalarType dtype = c10::ScalarType::Float;
  std::vector<std::int64_t> shape;
  std::string sha256;  ///< `tensor_digest`, hex.
};

struct StoredTensor;

/// Digests of many tensors, in their order, on up to `threads` threads.
std::vector<TensorDigest> tensor_digests(const std::vector<StoredTensor>& tensors, int threads);

/// The fingerprint of a model: SHA-256 over its architecture and every tensor's name, dtype, shape
/// and digest. What does not change the mathematics (class name, end-of-text ids) is left out.
std::string combine_digests(const Architecture& architecture,
                            const std::vector<TensorDigest>& digests);

}  // namespace kedit::checkpoint
