#include "model/checkpoint/fingerprint.hpp"

#include "edits/hash.hpp"
#include "kernels/workers.hpp"
#include "model/device.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>

namespace kedit {

std::string tensor_digest(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.detach().cpu().contiguous();
  return Sha256().update(bytes.const_data_ptr(), bytes.nbytes()).hex();
}

std::vector<std::string> tensor_digests(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, int threads) {
  std::vector<std::string> digests(tensors.size());
  std::atomic<std::size_t> next{0};
  const auto workers =
      std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(std::ssize(tensors), 1));
  kernels::run_workers(workers, [&](std::int64_t) {
    for (std::size_t i = next++; i < tensors.size(); i = next++) {
      digests[i] = tensor_digest(tensors[i].second);
    }
  });
  return digests;
}

std::string combine_digests(const Architecture& architecture,
                            const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                            const std::vector<std::string>& digests) {
  Json config = architecture_to_config(architecture);
  config.erase("architectures");
  config.erase("eos_token_id");
  Sha256 hash;
  hash.update("kedit model 1\n").update(canonical_text(config)).update("\n");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    hash.update(fmt::format("{} {} [{}] {}\n", name, dtype_name(tensor.scalar_type()),
                            fmt::join(tensor.sizes(), ","), digests[i]));
  }
  return hash.hex();
}

std::string weights_fingerprint(const Architecture& architecture, const DecoderWeights& weights) {
  const auto tensors = named_tensors(architecture, weights);
  return combine_digests(architecture, tensors, tensor_digests(tensors, at::get_num_threads()));
}

}  // namespace kedit
