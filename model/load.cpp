#include "model/load.hpp"

#include "kernels/finite.hpp"
#include "model/checkpoint_files.hpp"
#include "model/device.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <array>
#include <map>
#include <set>
#include <string>

namespace kedit {
namespace {

// "transformer." or "model.": a checkpoint of the bare decoder, without its head, lacks it.
std::string base_prefix(const Architecture& architecture) {
  const std::string& block = architecture.names.block;
  return block.substr(0, block.find('.') + 1);
}

bool ends_with(const std::string& text, std::string_view suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// Tensors that some writers add and that carry no learned numbers: causal masks and the rotation's
// frequencies, both of which follow from the configuration.
bool is_derived(const std::string& name) {
  constexpr std::array<std::string_view, 3> kSuffixes = {".attn.bias", ".attn.masked_bias",
                                                         ".rotary_emb.inv_freq"};
  for (const auto suffix : kSuffixes) {
    if (ends_with(name, suffix)) return true;
  }
  return false;
}

// Finds tensors under their full name or the name without the base prefix, and remembers which ones
// were asked for.
class NameResolver {
 public:
  NameResolver(const CheckpointFiles& files, const Architecture& architecture)
      : files_(files), prefix_(base_prefix(architecture)) {}

  at::Tensor find(const std::string& name) {
    at::Tensor tensor = files_.find(name);
    std::string stored = name;
    if (!tensor.defined() && name.rfind(prefix_, 0) == 0) {
      stored = name.substr(prefix_.size());
      tensor = files_.find(stored);
    }
    if (tensor.defined()) used_.insert(stored);
    return tensor;
  }

  // A weight that the forward pass would not use means mathematics that is not computed.
  void refuse_unexpected(const Architecture& architecture) const {
    const std::string head = architecture.names.head + ".weight";
    for (const auto& name : files_.names()) {
      if (used_.count(name) > 0 || is_derived(name)) continue;
      if (architecture.tied_head && name == head) continue;  // the embedding again
      throw ModelError(
          fmt::format("reading {}: tensor {}: expected only the weights of a {} model as "
                      "config.json describes it, "
                      "found one more; its mathematics is not supported",
                      files_.file_of(name).string(), name, architecture.family));
    }
  }

 private:
  const CheckpointFiles& files_;
  std::string prefix_;
  std::set<std::string> used_;
};

kernels::WeightType weight_type(c10::ScalarType dtype) {
  if (dtype == c10::ScalarType::BFloat16) return kernels::WeightType::bfloat16;
  return dtype == c10::ScalarType::Half ? kernels::WeightType::float16
                                        : kernels::WeightType::float32;
}

bool is_finite(const at::Tensor& tensor) {
  if (tensor.scalar_type() == c10::ScalarType::Double)
    return at::isfinite(tensor).all().item<bool>();
  return kernels::all_finite(tensor.const_data_ptr(), weight_type(tensor.scalar_type()),
                             tensor.numel(), at::get_num_threads());
}

void check_elements(const std::string& name, const at::Tensor& tensor, const std::string& file,
                    bool allow_nonfinite) {
  const auto dtype = tensor.scalar_type();
  if (!c10::isFloatingType(dtype)) {
    throw ModelError(
        fmt::format("reading {}: tensor {}: expected float32, bfloat16 or float16, found {} "
                    "(quantised weights are not "
                    "supported)",
                    file, name, dtype_name(dtype)));
  }
  if (!allow_nonfinite && !is_finite(tensor)) {
    throw ModelError(
        fmt::format("reading {}: tensor {}: expected finite numbers, found NaN or infinity; use "
                    "--allow-nonfinite to "
                    "load it all the same",
                    file, name));
  }
}

// The dtype of most elements: checkpoints may keep norms in float32 beside 16-bit matrices.
c10::ScalarType bulk_dtype(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::map<c10::ScalarType, std::int64_t> elements;
  for (const auto& [name, tensor] : tensors) elements[tensor.scalar_type()] += tensor.numel();
  auto best = elements.begin();
  for (auto it = elements.begin(); it != elements.end(); ++it) {
    if (it->second > best->second) best = it;
  }
  return best->first == c10::ScalarType::Double ? c10::ScalarType::Float : best->first;
}

}  // namespace

DecoderWeights load_weights(const std::filesystem::path& directory,
                            const Architecture& architecture, const LoadOptions& options) {
  const c10::Device device = parse_device(options.device);
  const auto wanted = parse_dtype(options.dtype);
  const CheckpointFiles files(directory);
  NameResolver resolver(files, architecture);
  const DecoderWeights stored = resolve_weights(
      architecture, [&](const std::string& name) { return resolver.find(name); },
      directory.string());
  resolver.refuse_unexpected(architecture);

  const auto tensors = named_tensors(architecture, stored);
  for (const auto& [name, tensor] : tensors) {
    check_elements(name, tensor, files.file_of(name).string(), options.allow_nonfinite);
  }
  const c10::ScalarType dtype = wanted.value_or(bulk_dtype(tensors));
  std::map<std::string, at::Tensor> converted;
  for (const auto& [name, tensor] : tensors) converted[name] = tensor.to(device, dtype);
  return resolve_weights(
      architecture, [&](const std::string& name) { return converted[name]; }, directory.string());
}

}  // namespace kedit
