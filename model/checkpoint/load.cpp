#include "model/checkpoint/load.hpp"

#include "model/checkpoint/checkpoint_files.hpp"
#include "model/checkpoint/load_checks.hpp"
#include "model/device.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace kedit::checkpoint {
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

// Tensors that some writers add and that carry no learned numbers: causal masks, the rotation's
// frequencies and the numbers of the positions, all of which follow from the configuration.
bool is_derived(const std::string& name) {
  constexpr std::array<std::string_view, 6> kSuffixes = {
      ".attn.bias",          ".attn.masked_bias",      ".attention.bias", ".attention.masked_bias",
      "rotary_emb.inv_freq", "embeddings.position_ids"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return ends_with(name, suffix); });
}

// BERT's training tasks: heads over an encoder that no vector of a text passes through.
bool is_task_head(std::string_view name) {
  return name.starts_with("pooler.") || name.starts_with("cls.");
}

// The oldest BERT checkpoints name the two vectors of a norm as its paper does.
std::optional<std::string> old_norm_name(const std::string& name) {
  constexpr std::string_view kWeight = "LayerNorm.weight", kBias = "LayerNorm.bias";
  for (const auto& [suffix, old] :
       {std::pair(kWeight, "LayerNorm.gamma"), {kBias, "LayerNorm.beta"}}) {
    if (ends_with(name, suffix)) return name.substr(0, name.size() - suffix.size()) + old;
  }
  return std::nullopt;
}

// What wrappers put before every name: data-parallel training, compilation, a model of several
// parts.
constexpr std::string_view kTextPart = "model.language_model.";
constexpr std::array<std::string_view, 5> kWrappers = {"", "module.", "_orig_mod.",
                                                       "language_model.", kTextPart};

// Finds tensors under their full name or the name without the base prefix, behind a wrapper's
// prefix or none, and remembers which ones were asked for.
class NameResolver {
 public:
  NameResolver(const CheckpointFiles& files, const Architecture& architecture)
      : files_(files), prefix_(base_prefix(architecture)), encoder_(architecture.bidirectional) {
    const std::string embedding = architecture.names.token_embedding + ".weight";
    for (const auto wrapper : kWrappers) {
      wrapper_ = wrapper;
      if (stored_name(embedding)) return;
    }
    wrapper_.clear();
  }

  at::Tensor find(const std::string& name) {
    const auto stored = stored_name(name);
    if (!stored) return {};
    used_.insert(*stored);
    return files_.find(*stored);
  }

  std::vector<std::string> unused() const {
    std::vector<std::string> names;
    for (const auto& name : files_.names()) {
      const bool passed_over = is_derived(name) || (encoder_ && is_task_head(bare_name(name)));
      if (used_.count(name) == 0 && !passed_over) names.push_back(name);
    }
    return names;
  }

  std::filesystem::path file_of(const std::string& name) const {
    return files_.file_of(stored_name(name).value_or(name));
  }

  std::optional<std::string> stored_name(const std::string& name) const {
    auto stored = stored_as(name);
    if (stored || !encoder_) return stored;
    const auto old = old_norm_name(name);
    return old ? stored_as(*old) : std::nullopt;
  }

 private:
  std::optional<std::string> stored_as(const std::string& name) const {
    if (files_.contains(wrapper_ + name)) return wrapper_ + name;
    if (name.rfind(prefix_, 0) != 0) {  // the head stands beside a text part of this prefix
      const bool beside = wrapper_ == kTextPart && files_.contains(name);
      return beside ? std::optional<std::string>(name) : std::nullopt;
    }
    const std::string bare = wrapper_ + name.substr(prefix_.size());
    return files_.contains(bare) ? std::optional<std::string>(bare) : std::nullopt;
  }

  // Without what stands before every name.
  std::string_view bare_name(std::string_view name) const {
    for (const std::string* before : {&wrapper_, &prefix_}) {
      if (name.starts_with(*before)) name.remove_prefix(before->size());
    }
    return name;
  }

  const CheckpointFiles& files_;
  std::string prefix_;
  bool encoder_;
  std::string wrapper_;
  std::set<std::string> used_;
};

// A tied head that is there all the same is the embedding once more: nothing to say about.
bool is_copy_of_embedding(const std::string& name, const NameResolver& resolver,
                          const CheckpointFiles& files, const Architecture& architecture,
                          const DecoderWeights& weights) {
  if (!architecture.tied_head) return false;
  if (resolver.stored_name(architecture.names.head + ".weight") != name) return false;
  const at::Tensor head = files.find(name);
  return head.scalar_type() == weights.token_embedding.scalar_type() &&
         at::equal(head, weights.token_embedding);
}

void report_unused(const NameResolver& resolver, const CheckpointFiles& files,
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
  NameResolver resolver(files, architecture);
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
