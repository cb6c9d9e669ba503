#include "model/checkpoint/fingerprint.hpp"

#include "edits/hash.hpp"
#include "model/checkpoint/largest_first.hpp"
#include "model/checkpoint/stored_weights.hpp"
#include "model/device.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit::checkpoint {
std::string tensor_digest(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.detach().cpu().contiguous();
  return Sha256().update(bytes.const_data_ptr(), bytes.nbytes()).hex();
}

std::vector<TensorDigest> tensor_digests(const std::vector<StoredTensor>& tensors, int threads) {
  std::vector<TensorDigest> digests(tensors.size());
  std::vector<std::int64_t> sizes;
  for (const StoredTensor& one : tensors) sizes.push_back(one.elements());
  visit_largest_first(sizes, threads, [&](std::size_t i) {
    const StoredTensor& one = tensors[i];
    digests[i] = {one.name, one.dtype, one.shape, tensor_digest(one.read())};
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
