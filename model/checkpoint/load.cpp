#include "model/checkpoint/load.hpp"

#include "model/checkpoint/checkpoint_files.hpp"
#include "model/checkpoint/load_checks.hpp"
#include "model/checkpoint/stored_names.hpp"
#include "model/device.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace kedit::checkpoint {
namespace {

// A tied head that is there all the same is the embedding once more: nothing to say about.
bool is_copy_of_embedding(const std::string& name, const StoredNames& resolver,
                          const CheckpointFiles& files, const Architecture& architecture,
                          const DecoderWeights& weights) {
  if (!architecture.tied_head) return false;
  if (resolver.stored_name(architecture.names.head + ".weight") != name) return false;
  const at::Tensor head = files.find(name);
  return head.scalar_type() == weights.token_embedding.scalar_type() &&
         at::equal(head, weights.token_embedding);
}

void report_unused(const StoredNames& resolver, const CheckpointFiles& files,
                   const Architecture& architecture, const DecoderWeights& weights,
                   const std::filesystem::path& directory, const LoadOptions& options) {
  if (!options.warn) return;
  std::vector<std::string> names;
  for (const auto& name : resolver.unused()) {
    if (!is_copy_of_embedding(name, resolver, files, architecture, weights)) names.push_back(name);
  }
  if (architecture.part_of.empty()) {
    return warn_of_unused(names, directory.string(),
                          fmt::format("{} model as config.json describes it", architecture.family),
                          options);
  }
  options.warn(fmt::format(
      "reading {}: of this {} model only the text part is read, as a {} model{}",
      directory.string(), architecture.part_of, architecture.family,
      names.empty()
          ? ""
          : fmt::format("; {} tensors are not used: {}", names.size(), listed_names(names))));
}

void check_type(const std::string& name, const at::Tensor& tensor, const std::string& file) {
  const auto dtype = tensor.scalar_type();
  if (c10::isFloatingType(dtype)) return;
  throw ModelError(
      fmt::format("reading {}: tensor {}: expected float32, bfloat16 or float16, found {} "
                  "(quantised weights are not "
                  "supported)",
                  file, name, dtype_name(dtype)));
}

// Without --dtype: as most weights are stored, but for float64.
c10::ScalarType computed_as(c10::ScalarType stored) {
  return stored == c10::ScalarType::Double ? c10::ScalarType::Float : stored;
}

}  // namespace

LoadedWeights load_weights(const std::filesystem::path& directory, const Architecture& architecture,
                           const LoadOptions& options) {
  const c10::Device device = parse_device(options.device);
  const auto wanted = parse_dtype(options.dtype);
  const CheckpointFiles files(directory);
  StoredNames resolver(files, architecture);
  const DecoderWeights stored = resolve_weights(
      architecture, [&](const std::string& name) { return resolver.find(name); },
      directory.string());
  report_unused(resolver, files, architecture, stored, directory, options);

  const auto tensors = named_tensors(architecture, stored);
  for (const auto& [name, tensor] : tensors) {
    check_type(name, tensor, resolver.file_of(name).string());
  }
  LoadedWeights loaded;
  loaded.stored = std::make_unique<StoredWeights>(
      tensors, memory_of(directory, files.mappings(), options), options.verify);
  check_content(*loaded.stored, directory, options, [&](std::size_t i) {
    return std::pair(resolver.file_of(tensors[i].first).string(), tensors[i].first);
  });
  const c10::ScalarType dtype = wanted.value_or(computed_as(loaded.stored->dtype()));
  std::map<std::string, at::Tensor> converted;
  for (const auto& [name, tensor] : tensors) {
    converted[name] = tensor.to(device, options.keep_types ? tensor.scalar_type() : dtype);
  }
  loaded.weights = resolve_weights(
      architecture, [&](const std::string& name) { return converted[name]; }, directory.string());
  return loaded;
}

}  // namespace kedit::checkpoint
