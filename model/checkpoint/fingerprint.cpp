#include "model/checkpoint/fingerprint.hpp"

#include "edits/hash.hpp"
#include "kernels/workers.hpp"
#include "model/checkpoint/stored_weights.hpp"
#include "model/device.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <numeric>

namespace kedit::checkpoint {
namespace {

// The largest first, so that no thread begins a long one when the others have ended.
std::vector<std::size_t> by_size(const std::vector<StoredTensor>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tensors[a].elements() > tensors[b].elements();
  });
  return order;
}

}  // namespace

std::string tensor_digest(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.detach().cpu().contiguous();
  return Sha256().update(bytes.const_data_ptr(), bytes.nbytes()).hex();
}

std::vector<TensorDigest> tensor_digests(const std::vector<StoredTensor>& tensors, int threads) {
  std::vector<TensorDigest> digests(tensors.size());
  const std::vector<std::size_t> order = by_size(tensors);
  std::atomic<std::size_t> next{0};
  const auto workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(std::ssize(tensors), 1));
  kernels::run_workers(workers, [&](std::int64_t) {
    for (std::size_t turn = next++; turn < order.size(); turn = next++) {
      const StoredTensor& one = tensors[order[turn]];
      digests[order[turn]] = {one.name, one.dtype, one.shape, tensor_digest(one.read())};
    }
  });
  return digests;
}

std::string combine_digests(const Architecture& architecture,
                            const std::vector<TensorDigest>& digests) {
  Json config = architecture_to_config(architecture);
  config.erase("architectures");
  config.erase("eos_token_id");
  Sha256 hash;
  hash.update("kedit model 1\n").update(canonical_text(config)).update("\n");
  for (const TensorDigest& one : digests) {
    hash.update(fmt::format("{} {} [{}] {}\n", one.name, dtype_name(one.dtype),
                            fmt::join(one.shape, ","), one.sha256));
  }
  return hash.hex();
}

}  // namespace kedit::checkpoint

std::string kedit::weights_fingerprint(const Architecture& architecture,
                                       const DecoderWeights& weights) {
  const auto tensors = checkpoint::stored_tensors(named_tensors(architecture, weights));
  return checkpoint::combine_digests(architecture,
                                     checkpoint::tensor_digests(tensors, at::get_num_threads()));
}
