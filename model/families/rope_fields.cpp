#include "json/short_name.hpp"
#include "model/families/family.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace kedit::families {
namespace {

constexpr std::array<std::pair<std::string_view, RopeKind>, 7> kKinds = {{
    {"default", RopeKind::plain},
    {"none", RopeKind::plain},
    {"linear", RopeKind::linear},
    {"llama3", RopeKind::llama3},
    {"yarn", RopeKind::yarn},
    {"longrope", RopeKind::longrope},
    {"su", RopeKind::longrope},  // its first name
}};

std::string_view kind_name(RopeKind kind) {
  for (const auto& [name, known] : kKinds) {
    if (known == kind) return name;
  }
  throw ModelError("writing a configuration: unknown rotary scaling");
}

RopeKind read_kind(const JsonView& rope) {
  const auto newer = rope.find("rope_type");
  const auto older = rope.find("type");
  if (!newer && !older) {
    for (const char* key : {"rope_type", "type", "factor", "short_factor", "long_factor"}) {
      if (rope.value().contains(key)) static_cast<void>(rope.at("rope_type").string());
    }
    return RopeKind::plain;
  }
  const JsonView& field = newer ? *newer : *older;
  if (newer && older && newer->string() != older->string()) {
    older->fail(fmt::format("the same as rope_type, \"{}\"", short_name(newer->string())));
  }
  const std::string name = field.string();
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  field.fail(
      "a rotary scaling among default, linear, llama3, yarn, longrope (others are not supported)");
}

std::int64_t read_original_positions(const JsonView& config, const JsonView& rope,
                                     std::int64_t absent) {
  const std::string_view key = "original_max_position_embeddings";
  return read_size(rope, key, read_size(config, key, absent));
}

// A positive number without which the kind means nothing: null is not one.
double read_required(const JsonView& rope, std::string_view key) {
  static_cast<void>(rope.at(key).number());
  return read_positive(rope, key, 1.0);
}

// YaRN 3.4: the softmax's temperature, as a factor of cosine and sine.
double yarn_temperature(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

void read_yarn(const JsonView& config, const JsonView& rope, std::int64_t max_positions,
               RopeScaling& out) {
  out.factor = read_required(rope, "factor");
  out.original_positions = read_original_positions(config, rope, max_positions);
  out.beta_fast = read_positive(rope, "beta_fast", 32.0);
  out.beta_slow = read_positive(rope, "beta_slow", 1.0);
  // A null is no truth for the reference library, its absence is.
  out.truncate = read_flag(rope, "truncate", !rope.value().contains("truncate"));
  const double mscale = read_positive(rope, "mscale", 0.0);
  const double mscale_all = read_positive(rope, "mscale_all_dim", 0.0);
  const bool both = mscale > 0.0 && mscale_all > 0.0;
  out.attention_factor = read_positive(
      rope, "attention_factor",
      both ? yarn_temperature(out.factor, mscale) / yarn_temperature(out.factor, mscale_all)
           : yarn_temperature(out.factor, 1.0));
}

void read_llama3(const JsonView& config, const JsonView& rope, RopeScaling& out) {
  out.factor = read_required(rope, "factor");
  out.low_frequency_factor = read_required(rope, "low_freq_factor");
  out.high_frequency_factor = read_required(rope, "high_freq_factor");
  if (out.low_frequency_factor == out.high_frequency_factor) {
    rope.at("high_freq_factor").fail("a number other than low_freq_factor");
  }
  out.original_positions = read_original_positions(config, rope, 0);
  if (out.original_positions == 0) read_size(rope, "original_max_position_embeddings");
}

std::vector<double> read_factors(const JsonView& rope, std::string_view key, std::int64_t count) {
  const JsonView list = rope.at(key);
  if (static_cast<std::int64_t>(list.size()) != count) {
    list.fail(fmt::format("{} numbers, one a rotary frequency", count));
  }
  std::vector<double> factors;
  for (std::size_t i = 0; i < list.size(); ++i) {
    factors.push_back(list.at(i).number());
    if (!(factors.back() > 0.0)) list.at(i).fail("a positive number");
  }
  return factors;
}

// LongRoPE as Phi-3 has it: the factor is how often the original positions fit into all of them.
void read_longrope(const JsonView& config, const JsonView& rope, const Architecture& a,
                   RopeScaling& out) {
  const std::string_view key = "original_max_position_embeddings";
  out.original_positions = read_size(config, key, read_size(rope, key, 0));  // the file's first
  const bool known = out.original_positions > 0;
  if (!known) out.original_positions = a.max_positions;
  out.factor =
      known ? static_cast<double>(a.max_positions) / static_cast<double>(out.original_positions)
      : rope.has("attention_factor") ? 1.0
                                     : read_required(rope, "factor");
  const double log_positions = std::log(static_cast<double>(out.original_positions));
  const double temperature = out.factor <= 1.0 || log_positions <= 0.0
                                 ? 1.0
                                 : std::sqrt(1.0 + std::log(out.factor) / log_positions);
  out.attention_factor = read_positive(rope, "attention_factor", temperature);
  out.short_factors = read_factors(rope, "short_factor", a.rotated() / 2);
  out.long_factors = read_factors(rope, "long_factor", a.rotated() / 2);
}

RopeScaling read_scaling(const JsonView& config, const JsonView& rope, const Architecture& a) {
  RopeScaling out;
  out.kind = read_kind(rope);
  if (out.kind == RopeKind::linear) {
    out.factor = read_required(rope, "factor");
  }
  if (out.kind == RopeKind::llama3) read_llama3(config, rope, out);
  if (out.kind == RopeKind::yarn) read_yarn(config, rope, a.max_positions, out);
  if (out.kind == RopeKind::longrope) read_longrope(config, rope, a, out);
  return out;
}

// The newer layout has the base beside the scaling; both places may say it, but not differ.
double read_theta_within(const JsonView& config, const JsonView& rope, double outside) {
  const double theta = read_positive(rope, "rope_theta", outside);
  if (theta != outside && config.has("rope_theta")) {
    rope.at("rope_theta").fail(fmt::format("the same as rope_theta outside, {}", outside));
  }
  return theta;
}

Json scaling_to_json(const RopeScaling& scaling) {
  // The reference library's checks of some families know the older key only, of others the newer.
  Json out = Json::object();
  const std::string kind(kind_name(scaling.kind));
  const bool linear = scaling.kind == RopeKind::linear;
  if (linear || scaling.kind == RopeKind::longrope) out["type"] = kind;
  if (scaling.kind != RopeKind::longrope) out["rope_type"] = kind;
  if (scaling.kind == RopeKind::longrope) {
    out["short_factor"] = scaling.short_factors;
    out["long_factor"] = scaling.long_factors;
    return out;
  }
  out["factor"] = scaling.factor;
  if (scaling.kind == RopeKind::linear) return out;
  out["original_max_position_embeddings"] = scaling.original_positions;
  if (scaling.kind == RopeKind::llama3) {
    out["low_freq_factor"] = scaling.low_frequency_factor;
    out["high_freq_factor"] = scaling.high_frequency_factor;
    return out;
  }
  out["beta_fast"] = scaling.beta_fast;
  out["beta_slow"] = scaling.beta_slow;
  out["truncate"] = scaling.truncate;
  out["attention_factor"] = scaling.attention_factor;
  return out;
}

}  // namespace

void read_rope(const JsonView& config, Architecture& out, double absent_theta) {
  out.rope_theta = read_positive(config, "rope_theta", absent_theta);
  const auto older = config.find("rope_scaling");
  auto newer = config.find("rope_parameters");
  if (newer && newer->has("full_attention")) newer = newer->find("full_attention");
  if (older && newer) {
    const RopeScaling scaling = read_scaling(config, *older, out);
    if (scaling_to_json(scaling) != scaling_to_json(read_scaling(config, *newer, out))) {
      older->fail("the same as rope_parameters");
    }
  }
  if (older) out.rope_theta = read_theta_within(config, *older, out.rope_theta);
  if (newer) out.rope_theta = read_positive(*newer, "rope_theta", out.rope_theta);
  if (newer || older) out.rope_scaling = read_scaling(config, newer ? *newer : *older, out);
}

void read_partial_rotary(const JsonView& config, Architecture& out, std::string_view key,
                         double absent) {
  double part = read_positive(config, key, read_positive(config, "partial_rotary_factor", absent));
  for (const char* rope : {"rope_scaling", "rope_parameters"}) {
    if (const auto field = config.find(rope)) {
      part = read_positive(*field, "partial_rotary_factor", part);
    }
  }
  if (part > 1.0) config.at(config.has(key) ? key : "partial_rotary_factor").fail("at most 1");
  if (part == 1.0) return;
  out.rotary_dim = static_cast<std::int64_t>(static_cast<double>(out.head_dim) * part);
  if (out.rotary_dim < 2 || out.rotary_dim % 2 != 0) {
    config.at(config.has(key) ? key : "partial_rotary_factor")
        .fail(fmt::format("an even number of the head's {} elements", out.head_dim));
  }
}

double partial_rotary(const Architecture& architecture) {
  const auto width = static_cast<double>(architecture.head_dim);
  const auto rotated = static_cast<double>(architecture.rotated());
  const double part = rotated / width;
  return part * width < rotated ? std::nextafter(part, 2.0) : part;
}

void write_rope(const Architecture& architecture, Json& out) {
  const RopeScaling& scaling = architecture.rope_scaling;
  out["rope_theta"] = architecture.rope_theta;
  out["rope_scaling"] = scaling.kind == RopeKind::plain ? Json(nullptr) : scaling_to_json(scaling);
  if (scaling.kind == RopeKind::longrope) {
    out["original_max_position_embeddings"] = scaling.original_positions;
    RopeScaling derived;
    read_longrope(JsonView(out, ""), JsonView(out["rope_scaling"], ""), architecture, derived);
    if (derived.attention_factor != scaling.attention_factor) {
      out["rope_scaling"]["attention_factor"] = scaling.attention_factor;
    }
  }
}

}  // namespace kedit::families
