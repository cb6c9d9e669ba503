#include "model/gguf/configuration.hpp"

#include "json/short_name.hpp"
#include "model/gguf/rope_scaling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

namespace kedit::gguf {
namespace {

// The keys of the file under the architecture's name.
class Keys {
 public:
  Keys(const GgufFile& file, std::string architecture)
      : file_(file), view_(file.metadata()), prefix_(std::move(architecture) + '.') {}

  const GgufFile& file() const { return file_; }
  std::optional<JsonView> find(std::string_view key) const { return view_.find(full(key)); }
  bool has(std::string_view key) const { return find(key).has_value(); }

  /// An integer; of a list, one value a layer, the one that all of them have.
  std::int64_t integer(std::string_view key) const {
    const JsonView field = view_.at(full(key));
    if (!field.value().is_array()) return field.integer();
    for (std::size_t i = 0; i < field.size(); ++i) {
      if (field.at(i).integer() != field.at(std::size_t{0}).integer()) {
        field.fail("one number for all layers (layers that differ are not supported)");
      }
    }
    return field.at(std::size_t{0}).integer();
  }
  std::int64_t integer(std::string_view key, std::int64_t absent) const {
    return has(key) ? integer(key) : absent;
  }
  double number(std::string_view key) const { return view_.at(full(key)).number(); }
  double number(std::string_view key, double absent) const {
    const auto field = find(key);
    return field ? field->number() : absent;
  }

 private:
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }

  const GgufFile& file_;
  JsonView view_;
  std::string prefix_;
};

bool has_tensor(const Keys& keys, std::string_view name) { return keys.file().contains(name); }

bool is_tied(const Keys& keys) { return !has_tensor(keys, "output.weight"); }

std::int64_t heads_of(const Keys& keys) {
  const std::int64_t heads = keys.integer("attention.head_count");
  if (heads < 1) keys.find("attention.head_count")->fail("a positive integer");
  return heads;
}

std::int64_t head_width(const Keys& keys) {
  const std::int64_t heads = heads_of(keys);
  const std::int64_t width =
      keys.integer("attention.key_length", keys.integer("embedding_length") / heads);
  if (keys.integer("attention.value_length", width) != width) {
    keys.find("attention.value_length")->fail(fmt::format("key_length, {}", width));
  }
  return width;
}

// What part of a head is rotated, as the fraction that config.json has: never less than it is.
double rotated_part(const Keys& keys, std::int64_t head_dim) {
  if (!keys.has("rope.dimension_count")) return 1.0;
  const std::int64_t rotated = keys.integer("rope.dimension_count");
  if (rotated < 2 || rotated > head_dim || rotated % 2 != 0) {
    keys.find("rope.dimension_count")->fail(fmt::format("an even number up to {}", head_dim));
  }
  const double part = static_cast<double>(rotated) / static_cast<double>(head_dim);
  const bool less = part * static_cast<double>(head_dim) < static_cast<double>(rotated);
  return less ? std::nextafter(part, 2.0) : part;
}

// Rows of the embedding; a list of tokens must have one for each.
std::int64_t vocabulary_size(const GgufFile& file) {
  const std::int64_t rows = file.tensor("token_embd.weight").info->shape.front();
  const auto tokens = file.metadata().find("tokenizer.ggml.tokens");
  if (tokens && static_cast<std::int64_t>(tokens->size()) != rows) {
    throw ModelError(fmt::format(
        "reading {}: key tokenizer.ggml.tokens: expected {} tokens, as token_embd.weight has rows, "
        "found {}",
        file.path().string(), rows, tokens->size()));
  }
  return rows;
}

// What most families call alike.
Json common_shape(const Keys& keys) {
  Json config = Json::object();
  config["hidden_size"] = keys.integer("embedding_length");
  config["intermediate_size"] = keys.integer("feed_forward_length");
  config["num_hidden_layers"] = keys.integer("block_count");
  config["num_attention_heads"] = heads_of(keys);
  config["vocab_size"] = vocabulary_size(keys.file());
  config["max_position_embeddings"] = keys.integer("context_length");
  config["tie_word_embeddings"] = is_tied(keys);
  return config;
}

Json llama_shape(const Keys& keys) {
  Json config = common_shape(keys);
  config["num_key_value_heads"] = keys.integer("attention.head_count_kv", heads_of(keys));
  config["head_dim"] = head_width(keys);
  config["rms_norm_eps"] = keys.number("attention.layer_norm_rms_epsilon");
  config["rope_theta"] = keys.number("rope.freq_base", 10000.0);
  return config;
}

void require_whole_rotation(const Keys& keys) {
  const std::int64_t width = head_width(keys);
  if (keys.integer("rope.dimension_count", width) == width) return;
  keys.find("rope.dimension_count")->fail(fmt::format("the width of a head, {}", width));
}

Json scaling_of(const Keys& keys) {
  return read_rope_scaling(
      keys.file(), architecture_name(keys.file()),
      {keys.number("rope.freq_base", 10000.0),
       keys.integer("rope.dimension_count", head_width(keys)), keys.integer("context_length")});
}

void add_rope_scaling(const Keys& keys, Json& config) {
  Json scaling = scaling_of(keys);
  if (!scaling.is_null()) config["rope_scaling"] = std::move(scaling);
}

Json llama(const Keys& keys) {
  require_whole_rotation(keys);
  Json config = llama_shape(keys);
  config["attention_bias"] = has_tensor(keys, "blk.0.attn_q.bias");
  config["mlp_bias"] = has_tensor(keys, "blk.0.ffn_up.bias");
  add_rope_scaling(keys, config);
  return config;
}

Json qwen2(const Keys& keys) {
  require_whole_rotation(keys);
  Json config = llama_shape(keys);
  add_rope_scaling(keys, config);
  return config;
}

Json qwen3(const Keys& keys) {
  Json config = qwen2(keys);
  config["attention_bias"] = has_tensor(keys, "blk.0.attn_q.bias");
  return config;
}

Json olmo2(const Keys& keys) {
  Json config = qwen2(keys);
  config["attention_bias"] = has_tensor(keys, "blk.0.attn_q.bias");
  return config;
}

Json gemma(const Keys& keys) {
  require_whole_rotation(keys);
  Json config = llama_shape(keys);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  return config;
}

// Not in the file: scores are divided by the root of the head's width, in the 27B models of the
// width that each head has of the whole. Those are told by their number of layers, as llama.cpp
// does.
std::int64_t query_scale(const Keys& keys, std::int64_t layers_of_27b) {
  const bool is_27b = keys.integer("block_count") == layers_of_27b;
  return is_27b ? keys.integer("embedding_length") / heads_of(keys) : head_width(keys);
}

Json gemma2(const Keys& keys) {
  Json config = gemma(keys);
  config["query_pre_attn_scalar"] = query_scale(keys, 46);
  config["attn_logit_softcapping"] = keys.number("attn_logit_softcapping", 50.0);
  config["final_logit_softcapping"] = keys.number("final_logit_softcapping", 30.0);
  config["sliding_window"] = keys.integer("attention.sliding_window", 4096);
  return config;
}

// Every sixth layer sees all positions; the others turn with a base of their own, never stretched.
Json gemma3(const Keys& keys) {
  Json config = gemma(keys);
  config["query_pre_attn_scalar"] = query_scale(keys, 62);
  config["sliding_window"] = keys.integer("attention.sliding_window", 1024);
  config["sliding_window_pattern"] = 6;
  config["rope_local_base_freq"] = keys.number("rope.freq_base_swa", 10000.0);
  if (keys.has("final_logit_softcapping")) {
    config["final_logit_softcapping"] = keys.number("final_logit_softcapping", 0.0);
  }
  add_rope_scaling(keys, config);
  return config;
}

Json phi3(const Keys& keys) {
  Json config = llama_shape(keys);
  config["partial_rotary_factor"] = rotated_part(keys, head_width(keys));
  const std::int64_t window = keys.integer("attention.sliding_window", 0);
  config["sliding_window"] = window == 0 ? Json(nullptr) : Json(window);
  add_rope_scaling(keys, config);
  if (config.contains("rope_scaling")) {
    config["original_max_position_embeddings"] =
        keys.integer("rope.scaling.original_context_length", keys.integer("context_length"));
  }
  return config;
}

Json gpt2(const Keys& keys) {
  Json config = Json::object();
  config["n_embd"] = keys.integer("embedding_length");
  config["n_layer"] = keys.integer("block_count");
  config["n_head"] = heads_of(keys);
  // llama.cpp's converter writes four times the width into the key, whatever the model has.
  config["n_inner"] = keys.file().tensor("blk.0.ffn_up.weight").info->shape.front();
  config["n_positions"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary_size(keys.file());
  config["layer_norm_epsilon"] = keys.number("attention.layer_norm_epsilon", 1e-5);
  config["activation_function"] = "gelu_new";
  config["tie_word_embeddings"] = is_tied(keys);
  return config;
}

Json gpt_neox(const Keys& keys) {
  Json config = common_shape(keys);
  config["layer_norm_eps"] = keys.number("attention.layer_norm_epsilon", 1e-5);
  config["rotary_emb_base"] = keys.number("rope.freq_base", 10000.0);
  config["rotary_pct"] = rotated_part(keys, head_width(keys));
  config["hidden_act"] = "gelu";
  config["attention_bias"] = has_tensor(keys, "blk.0.attn_qkv.bias");
  const auto parallel = keys.find("use_parallel_residual");
  config["use_parallel_residual"] = parallel ? parallel->boolean() : true;
  return config;
}

/// An architecture of llama.cpp and the family whose config.json it becomes.
struct Known {
  std::string_view architecture, model_type;
  Json (*config)(const Keys& keys);
};

constexpr std::array<Known, 10> kKnown = {{{"llama", "llama", llama},
                                           {"qwen2", "qwen2", qwen2},
                                           {"qwen3", "qwen3", qwen3},
                                           {"gemma", "gemma", gemma},
                                           {"gemma2", "gemma2", gemma2},
                                           {"gemma3", "gemma3_text", gemma3},
                                           {"phi3", "phi3", phi3},
                                           {"gpt2", "gpt2", gpt2},
                                           {"gptneox", "gpt_neox", gpt_neox},
                                           {"olmo2", "olmo2", olmo2}}};

const Known* find_known(std::string_view architecture) {
  const auto* found = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& one) {
    return one.architecture == architecture;
  });
  return found == kKnown.end() ? nullptr : found;
}

/// A key that changes the mathematics in a way that no family here has, unless it is neutral.
struct ForeignKey {
  std::string_view key;
  double neutral;
  std::string_view expected;
};

constexpr std::array<ForeignKey, 8> kForeign = {
    {{"expert_count", 0, "0 (mixtures of experts are not supported)"},
     {"attention.max_alibi_bias", 0, "0 (ALiBi positions are not supported)"},
     {"attention.clamp_kqv", 0, "0 (clamped projections are not supported)"},
     {"attention.kv_lora_rank", 0, "none (multi-head latent attention is not supported)"},
     {"attention.scale", 0, "none (a scale of its own is not supported)"},
     {"logit_scale", 1, "1 (scaled logits are not supported)"},
     {"residual_scale", 1, "1 (scaled residuals are not supported)"},
     {"embedding_scale", 1, "1 (scaled embeddings are not supported)"}}};

void refuse_foreign(const Keys& keys) {
  for (const auto& [key, neutral, expected] : kForeign) {
    const auto field = keys.find(key);
    if (!field || field->value().is_array()) continue;
    const double value = field->number();
    if (value != neutral && value != 0.0) field->fail(expected);
  }
}

// The ids that end a text: of its end, and of the end of a turn.
Json end_ids(const GgufFile& file) {
  Json ids = Json::array();
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
    const auto field = file.metadata().find(key);
    if (!field) continue;
    const Json id = field->integer();
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::string architecture_name(const GgufFile& file) try {
  const JsonView metadata = file.metadata();
  const auto type = metadata.find("general.type");
  if (type && type->string() != "model") type->fail("\"model\" (a whole language model)");
  const JsonView field = metadata.at("general.architecture");
  if (find_known(field.string()) == nullptr) {
    std::vector<std::string_view> names;
    for (const Known& one : kKnown) names.push_back(one.architecture);
    field.fail(fmt::format("a supported architecture ({})", fmt::join(names, ", ")));
  }
  return field.string();
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

std::optional<std::string> architecture_of_family(std::string_view family) {
  if (family == "mistral") return "llama";  // the same computation
  const auto* found = std::find_if(kKnown.begin(), kKnown.end(),
                                   [&](const Known& one) { return one.model_type == family; });
  if (found == kKnown.end()) return std::nullopt;
  return std::string(found->architecture);
}

Architecture read_architecture(const GgufFile& file) try {
  const std::string name = architecture_name(file);
  const Keys keys(file, name);
  refuse_foreign(keys);
  const Known& known = *find_known(name);
  Json config = known.config(keys);
  config["model_type"] = known.model_type;
  const Json ends = end_ids(file);
  if (!ends.empty()) config["eos_token_id"] = ends;
  Architecture architecture =
      architecture_from_config(config, file.path().string() + ", its keys as a config.json");
  architecture.class_name = class_name_of_family(architecture.family);
  return architecture;
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

}  // namespace kedit::gguf
