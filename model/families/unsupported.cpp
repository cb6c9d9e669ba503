#include "model/families/family.hpp"

#include <fmt/format.h>

#include <array>

namespace kedit::families {
namespace {

struct Foreign {
  std::string_view key, what;
};

// Fields that are there only where weights or layers are of another kind.
constexpr std::array<Foreign, 12> kForeign = {{
    {"quantization_config",
     "no quantisation (quantised weights are not supported; use the "
     "unquantised checkpoint)"},
    {"quantization",
     "no quantisation (quantised weights are not supported; use the unquantised "
     "checkpoint)"},
    {"compression_config", "no compression (compressed weights are not supported)"},
    {"num_local_experts", "none (mixtures of experts are not supported)"},
    {"num_experts", "none (mixtures of experts are not supported)"},
    {"n_routed_experts", "none (mixtures of experts are not supported)"},
    {"moe_num_experts", "none (mixtures of experts are not supported)"},
    {"moe_intermediate_size", "none (mixtures of experts are not supported)"},
    {"kv_lora_rank", "none (multi-head latent attention is not supported)"},
    {"q_lora_rank", "none (multi-head latent attention is not supported)"},
    {"vision_config", "none (only the text part of a model is supported)"},
    {"alibi", "none (ALiBi positions are not supported)"},
}};

constexpr std::array<std::string_view, 6> kFalseFlags = {
    "is_encoder_decoder", "add_cross_attention",         "use_qk_norm",
    "qk_layernorm",       "use_bidirectional_attention", "use_alibi"};

// Factors of other families; 1 changes nothing.
constexpr std::array<std::string_view, 7> kFactors = {
    "logit_scale",          "logits_scaling", "residual_multiplier", "embedding_multiplier",
    "attention_multiplier", "scale_emb",      "scale_depth"};

// Null, false, 0, {} and [] say that the thing is not there.
bool is_neutral(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0.0;
  return value.is_structured() && value.empty();
}

}  // namespace

void refuse_foreign(const JsonView& config) {
  for (const auto& [key, what] : kForeign) {
    const auto field = config.find(key);
    if (field && !is_neutral(field->value())) field->fail(what);
  }
  for (const auto key : kFalseFlags) require_flag(config, key, false);
  for (const auto key : kFactors) {
    const auto field = config.find(key);
    if (field && field->number() != 1.0) field->fail("1 (other factors are not supported)");
  }
}

void refuse_unread(const JsonView& config, const Architecture& out) {
  const auto unread = [&](std::string_view key, bool is_read) {
    const auto field = config.find(key);
    if (field && !is_read && !is_neutral(field->value())) {
      field->fail(fmt::format("null (a {} model with it is not supported)", out.family));
    }
  };
  unread("attn_logit_softcapping", out.attention_cap > 0.0);
  unread("final_logit_softcapping", out.logit_cap > 0.0);
  unread("query_pre_attn_scalar", out.query_pre_attn_scalar > 0.0);
  const auto factor = config.find("partial_rotary_factor");
  if (factor && factor->number() != 1.0 && out.rotary_dim == 0) {
    factor->fail(fmt::format("1 (a {} model that rotates a part is not supported)", out.family));
  }
  const auto kinds = config.find("layer_types");
  if (!kinds || !out.windowed_layers.empty()) return;
  for (std::size_t i = 0; i < kinds->size(); ++i) {
    if (kinds->at(i).string() != "full_attention") kinds->at(i).fail("\"full_attention\"");
  }
}

void check_consistent(const JsonView& config, const Architecture& out) {
  constexpr std::int64_t kMaxWidth = std::int64_t{1} << 31;
  const auto fail = [&](const std::string& expected, const std::string& found) {
    throw JsonError(fmt::format("reading {}: {}, found {}", config.origin(), expected, found));
  };
  if (out.heads > kMaxWidth / out.head_dim) {
    fail("expected heads times their width up to 2^31",
         fmt::format("{} times {}", out.heads, out.head_dim));
  }
  if (out.heads % out.kv_heads != 0) {
    fail(fmt::format("expected key heads that divide the {} heads", out.heads),
         fmt::format("{}", out.kv_heads));
  }
  if (out.positions != PositionKind::rotary) return;
  if (out.rotated() % 2 != 0 || out.rotated() < 2 || out.rotated() > out.head_dim) {
    fail(fmt::format("/head_dim: expected an even number of rotated elements up to the head's {}",
                     out.head_dim),
         fmt::format("{}", out.rotated()));
  }
}

}  // namespace kedit::families
