#pragma once

#include "model/checkpoint/checkpoint_memory.hpp"
#include "model/checkpoint/fingerprint.hpp"

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

/// A tensor as the checkpoint holds it: at hand (mapped, so that costs no memory), or made anew
/// from the file whenever it is asked for.
struct StoredTensor {
  StoredTensor(std::string its_name, at::Tensor tensor);
  StoredTensor(std::string its_name, c10::ScalarType its_dtype, std::vector<std::int64_t> its_shape,
               std::function<at::Tensor()> reader);

  std::string name;  ///< Checkpoint name.
  c10::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::function<at::Tensor()> read;  ///< Contiguous, on the CPU. Called from several threads.
  bool at_hand;                      ///< Reading costs nothing.

  std::int64_t elements() const;
};

std::vector<StoredTensor> stored_tensors(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors);

/// The weights of a model as its files hold them, whatever type and device they are computed in,
/// and what only reading all of them tells: found once, remembered where there is a memory. The
/// tensors and their files are kept until they are hashed.
class StoredWeights {
 public:
  using Tensors = std::vector<StoredTensor>;  // in checkpoint order
  using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

  /// `verify`: what the memory knows is compared, not believed.
  explicit StoredWeights(Tensors tensors, std::optional<CheckpointMemory> memory = std::nullopt,
                         bool verify = false);
  explicit StoredWeights(const NamedTensors& tensors,
                         std::optional<CheckpointMemory> memory = std::nullopt,
                         bool verify = false);

  /// The first tensor that holds NaN or infinity. All are read in parallel on up to `threads`
  /// threads, unless it is remembered that there is none.
  std::optional<std::size_t> first_nonfinite(int threads);
  /// Digests of all, in order; hashed in parallel unless they are remembered. May be called from
  /// several threads.
  const std::vector<TensorDigest>& digests(int threads);
  /// Hashes now; the names of the tensors that are not those that the memory knows.
  std::vector<std::string> verify(int threads);

  /// The type of most elements.
  c10::ScalarType dtype() const { return dtype_; }
  bool remembered() const { return !read_; }  ///< No byte of the weights was read here so far.

 private:
  bool recall_digests();
  void hash(int threads);
  void remember() const;

  Tensors tensors_;
  c10::ScalarType dtype_ = c10::ScalarType::Float;
  std::optional<CheckpointMemory> memory_;
  std::optional<CheckpointFindings> recalled_;
  bool verify_;
  bool finite_ = false;
  std::atomic<bool> read_{false};
  std::once_flag hashed_;
  std::vector<TensorDigest> digests_;
};

/// The type of most elements: checkpoints may keep norms in float32 beside 16-bit matrices.
c10::ScalarType bulk_dtype(const StoredWeights::Tensors& tensors);

}  // namespace kedit::checkpoint
