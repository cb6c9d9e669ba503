#include "model/checkpoint/stored_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kedit::checkpoint {
namespace {

// "transformer." or "model.": a checkpoint of the bare decoder, without its head, lacks it.
std::string base_prefix(const Architecture& architecture) {
  const std::string& block = architecture.names.block;
  return block.substr(0, block.find('.') + 1);
}

// Tensors that some writers add and that carry no learned numbers: causal masks, the rotation's
// frequencies and the numbers of the positions, all of which follow from the configuration.
bool is_derived(const std::string& name) {
  constexpr std::array<std::string_view, 6> kSuffixes = {
      ".attn.bias",          ".attn.masked_bias",      ".attention.bias", ".attention.masked_bias",
      "rotary_emb.inv_freq", "embeddings.position_ids"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return name.ends_with(suffix); });
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
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size()) + old;
  }
  return std::nullopt;
}

// What wrappers put before every name: data-parallel training, compilation, a model of several
// parts.
constexpr std::string_view kTextPart = "model.language_model.";
constexpr std::array<std::string_view, 5> kWrappers = {"", "module.", "_orig_mod.",
                                                       "language_model.", kTextPart};

}  // namespace

StoredNames::StoredNames(const CheckpointFiles& files, const Architecture& architecture)
    : files_(files), prefix_(base_prefix(architecture)), encoder_(architecture.bidirectional) {
  const std::string embedding = architecture.names.token_embedding + ".weight";
  for (const auto wrapper : kWrappers) {
    wrapper_ = wrapper;
    if (stored_name(embedding)) return;
  }
  wrapper_.clear();
}

at::Tensor StoredNames::find(const std::string& name) {
  const auto stored = stored_name(name);
  if (!stored) return {};
  used_.insert(*stored);
  return files_.find(*stored);
}

std::vector<std::string> StoredNames::unused() const {
  std::vector<std::string> names;
  for (const auto& name : files_.names()) {
    const bool passed_over = is_derived(name) || (encoder_ && is_task_head(bare_name(name)));
    if (used_.count(name) == 0 && !passed_over) names.push_back(name);
  }
  return names;
}

std::filesystem::path StoredNames::file_of(const std::string& name) const {
  return files_.file_of(stored_name(name).value_or(name));
}

std::optional<std::string> StoredNames::stored_name(const std::string& name) const {
  auto stored = stored_as(name);
  if (stored || !encoder_) return stored;
  const auto old = old_norm_name(name);
  return old ? stored_as(*old) : std::nullopt;
}

std::optional<std::string> StoredNames::stored_as(const std::string& name) const {
  if (files_.contains(wrapper_ + name)) return wrapper_ + name;
  if (name.rfind(prefix_, 0) != 0) {  // the head stands beside a text part of this prefix
    const bool beside = wrapper_ == kTextPart && files_.contains(name);
    return beside ? std::optional<std::string>(name) : std::nullopt;
  }
  const std::string bare = wrapper_ + name.substr(prefix_.size());
  return files_.contains(bare) ? std::optional<std::string>(bare) : std::nullopt;
}

// Without what stands before every name.
std::string_view StoredNames::bare_name(std::string_view name) const {
  for (const std::string* before : {&wrapper_, &prefix_}) {
    if (name.starts_with(*before)) name.remove_prefix(before->size());
  }
  return name;
}

}  // namespace kedit::checkpoint
