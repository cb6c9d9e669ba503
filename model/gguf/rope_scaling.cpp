#include "model/gguf/rope_scaling.hpp"

#include "model/decoder/architecture.hpp"  // ModelError

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

namespace kedit::gguf {
namespace {

/// What Llama 3.x stretches its rotation with (the reference library's rope type llama3).
struct Llama3Parameters {
  double factor, low_frequency_factor, high_frequency_factor;
  double original_positions;
};

// Published for Llama 3.1 (factor 8) and 3.2 (32); the factor is the largest of the file's.
constexpr std::array<Llama3Parameters, 2> kPublished = {{{0, 1, 4, 8192}, {0, 1, 4, 4096}}};

// What one frequency is divided by.
double llama3_divisor(const Llama3Parameters& p, double frequency) {
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  if (wavelength < p.original_positions / p.high_frequency_factor) return 1.0;
  if (wavelength > p.original_positions / p.low_frequency_factor) return p.factor;
  const double smooth = (p.original_positions / wavelength - p.low_frequency_factor) /
                        (p.high_frequency_factor - p.low_frequency_factor);
  return 1.0 / ((1.0 - smooth) / p.factor + smooth);
}

bool gives(const Llama3Parameters& parameters, const Rotation& rotation,
           const std::vector<double>& factors) {
  constexpr double kRounding = 1e-5;  // the file's numbers went through float32
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(rotation.width);
    const double divisor = llama3_divisor(parameters, std::pow(rotation.theta, -exponent));
    if (std::abs(divisor - factors[i]) > kRounding * divisor) return false;
  }
  return true;
}

std::vector<double> read_factors(const GgufFile& file, const std::string& name,
                                 const Rotation& rotation) {
  const GgufFile::Tensor& tensor = file.tensor(name);
  const std::int64_t count = tensor.info->elements();
  if (count != rotation.width / 2) {
    throw ModelError(
        fmt::format("reading {}: tensor {}: expected shape [{}], one factor a rotary "
                    "frequency, found {} factors",
                    file.path().string(), name, rotation.width / 2, count));
  }
  std::vector<float> values(static_cast<std::size_t>(count));
  kernels::dequantise(tensor.data, tensor.info->type, count, values.data());
  for (const float value : values) {
    if (std::isfinite(value) && value > 0.0F) continue;
    throw ModelError(fmt::format("reading {}: tensor {}: expected positive numbers, found {}",
                                 file.path().string(), name, value));
  }
  return {values.begin(), values.end()};
}

Json same_for_every_length(const std::vector<double>& factors) {
  return {{"rope_type", "longrope"},
          {"short_factor", factors},
          {"long_factor", factors},
          {"attention_factor", 1.0}};
}

Json llama3_scaling(const std::vector<double>& factors, const Rotation& rotation) {
  for (Llama3Parameters parameters : kPublished) {
    parameters.factor = *std::max_element(factors.begin(), factors.end());
    if (!gives(parameters, rotation, factors)) continue;
    return {{"rope_type", "llama3"},
            {"factor", parameters.factor},
            {"low_freq_factor", parameters.low_frequency_factor},
            {"high_freq_factor", parameters.high_frequency_factor},
            {"original_max_position_embeddings",
             static_cast<std::int64_t>(parameters.original_positions)}};
  }
  return same_for_every_length(factors);
}

// Phi-3's two sets of factors come without a scaling type.
Json longrope_scaling(const GgufFile& file, std::string_view architecture,
                      const Rotation& rotation) {
  Json scaling = {{"rope_type", "longrope"},
                  {"short_factor", read_factors(file, "rope_factors_short.weight", rotation)},
                  {"long_factor", read_factors(file, "rope_factors_long.weight", rotation)}};
  const auto attention =
      file.metadata().find(fmt::format("{}.rope.scaling.attn_factor", architecture));
  if (attention) scaling["attention_factor"] = attention->number();
  return scaling;
}

Json yarn_scaling(const JsonView& metadata, const std::string& prefix, double factor,
                  const Rotation& rotation) {
  const auto number = [&](const char* key) { return metadata.find(prefix + key); };
  const auto original = number("original_context_length");
  Json scaling = {
      {"rope_type", "yarn"},
      {"factor", factor},
      {"original_max_position_embeddings", original ? original->integer() : rotation.positions}};
  if (const auto fast = number("yarn_beta_fast")) scaling["beta_fast"] = fast->number();
  if (const auto slow = number("yarn_beta_slow")) scaling["beta_slow"] = slow->number();
  const auto attention = number("attn_factor");
  if (attention && attention->number() != 1.0) {  // of the temperature that the factor gives
    scaling["attention_factor"] = attention->number() * (0.1 * std::log(factor) + 1.0);
  }
  return scaling;
}

double factor_of(const JsonView& metadata, const std::string& prefix) {
  const JsonView field = metadata.at(prefix + "factor");
  const double factor = field.number();
  if (!(factor > 0.0) || !std::isfinite(factor)) field.fail("a positive number");
  return factor;
}

}  // namespace

Json read_rope_scaling(const GgufFile& file, std::string_view architecture,
                       const Rotation& rotation) {
  if (file.contains("rope_freqs.weight")) {
    return llama3_scaling(read_factors(file, "rope_freqs.weight", rotation), rotation);
  }
  if (file.contains("rope_factors_long.weight")) {
    return longrope_scaling(file, architecture, rotation);
  }
  const JsonView metadata = file.metadata();
  const std::string prefix = fmt::format("{}.rope.scaling.", architecture);
  const auto type = metadata.find(prefix + "type");
  if (!type || type->string() == "none") return nullptr;
  if (type->string() == "linear") {
    return {{"rope_type", "linear"}, {"factor", factor_of(metadata, prefix)}};
  }
  if (type->string() == "yarn") {
    return yarn_scaling(metadata, prefix, factor_of(metadata, prefix), rotation);
  }
  type->fail("a rotary scaling among none, linear, yarn (others are not supported)");
}

}  // namespace kedit::gguf
