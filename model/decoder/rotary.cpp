#include "model/decoder/rotary.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace kedit::decoder {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// theta^(2i / dim): [dim / 2].
at::Tensor powers(double theta, std::int64_t dim, const at::TensorOptions& float32) {
  return at::pow(theta, at::arange(0, dim, 2, float32) / static_cast<double>(dim));
}

// theta^(-2i / dim), in float32 step by step as the reference library: a frequency that differs in
// its last bit is an angle that differs visibly ten thousand positions later.
at::Tensor plain_frequencies(double theta, std::int64_t dim, const at::TensorOptions& float32) {
  return powers(theta, dim, float32).reciprocal();
}

// Llama 3.1: long wavelengths are stretched by `factor`, short ones stay, between them a mixture.
at::Tensor llama3_frequencies(const RopeScaling& scaling, const at::Tensor& plain) {
  const auto length = static_cast<double>(scaling.original_positions);
  const at::Tensor wavelength = kTwoPi / plain;
  const at::Tensor is_long = wavelength > length / scaling.low_frequency_factor;
  const at::Tensor is_short = wavelength < length / scaling.high_frequency_factor;
  const at::Tensor smooth = (length / wavelength - scaling.low_frequency_factor) /
                            (scaling.high_frequency_factor - scaling.low_frequency_factor);
  const at::Tensor mixed = (1.0 - smooth) * plain / scaling.factor + smooth * plain;
  return at::where(is_long, plain / scaling.factor, at::where(is_short, plain, mixed));
}

// The index of the frequency that turns `turns` times within the original positions (YaRN, 3.2).
double yarn_index(double turns, double theta, std::int64_t dim, std::int64_t positions) {
  return static_cast<double>(dim) * std::log(static_cast<double>(positions) / (turns * kTwoPi)) /
         (2.0 * std::log(theta));
}

// YaRN: fast frequencies stay, slow ones are stretched, a ramp lies between them.
at::Tensor yarn_frequencies(const RopeScaling& scaling, double theta, std::int64_t dim,
                            const at::Tensor& plain) {
  double low = yarn_index(scaling.beta_fast, theta, dim, scaling.original_positions);
  double high = yarn_index(scaling.beta_slow, theta, dim, scaling.original_positions);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;  // a ramp of no width
  const at::Tensor ramp =
      ((at::arange(0, dim / 2, plain.options()) - low) / (high - low)).clamp(0.0, 1.0);
  return plain / scaling.factor * ramp + plain * (1.0 - ramp);
}

// LongRoPE: one set of divisors for texts within the first length, one for longer ones. [dim / 2],
// or [batch, 1, dim / 2] where each row has positions of its own.
at::Tensor longrope_frequencies(const RopeScaling& scaling, double theta, std::int64_t dim,
                                const at::Tensor& positions, std::int64_t text_length,
                                const at::TensorOptions& float32) {
  const at::Tensor lengths = (positions.amax(-1, /*keepdim=*/true) + 1).clamp_min(text_length);
  at::Tensor is_long = lengths > scaling.original_positions;
  if (is_long.dim() == 2) is_long = is_long.unsqueeze(-1);
  const at::Tensor factors = at::where(is_long, at::tensor(scaling.long_factors, float32),
                                       at::tensor(scaling.short_factors, float32));
  return (factors * powers(theta, dim, float32)).reciprocal();
}

at::Tensor stretched(const RopeScaling& scaling, double theta, std::int64_t dim,
                     const at::Tensor& plain) {
  switch (scaling.kind) {
    case RopeKind::plain:
      return plain;
    case RopeKind::linear:
      return plain / scaling.factor;
    case RopeKind::llama3:
      return llama3_frequencies(scaling, plain);
    case RopeKind::yarn:
      return yarn_frequencies(scaling, theta, dim, plain);
    case RopeKind::longrope:
      break;  // depends on the text
  }
  throw ModelError("running the decoder: unknown rotary scaling");
}

}  // namespace

RotaryTables rotary_tables(const Architecture& architecture, const at::Tensor& positions,
                           std::int64_t text_length, at::ScalarType dtype, bool local) {
  const auto& a = architecture;
  const bool own = local && a.rope_local_theta > 0.0;
  const double theta = own ? a.rope_local_theta : a.rope_theta;
  const std::int64_t dim = a.rotated();
  const auto float32 = positions.options().dtype(at::kFloat);
  at::Tensor frequency;
  if (!own && a.rope_scaling.kind == RopeKind::longrope) {
    frequency = longrope_frequencies(a.rope_scaling, theta, dim, positions, text_length, float32);
  } else {
    frequency = plain_frequencies(theta, dim, float32);
    if (!own) frequency = stretched(a.rope_scaling, theta, dim, frequency);
  }
  const at::Tensor angle = positions.to(at::kFloat).unsqueeze(-1) * frequency;
  at::Tensor both =
      a.rotary_interleaved ? angle.repeat_interleave(2, -1) : at::cat({angle, angle}, -1);
  if (both.dim() == 3) both = both.unsqueeze(1);  // over heads
  at::Tensor cosine = both.cos(), sine = both.sin();
  if (!own && a.rope_scaling.attention_factor != 1.0) {
    cosine = cosine * a.rope_scaling.attention_factor;
    sine = sine * a.rope_scaling.attention_factor;
  }
  return {cosine.to(dtype), sine.to(dtype)};
}

// (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin) for every pair.
at::Tensor rotate(const Architecture& architecture, const RotaryTables& tables,
                  const at::Tensor& x) {
  const std::int64_t dim = architecture.rotated();
  const bool partial = dim < x.size(-1);
  const at::Tensor part = partial ? x.narrow(-1, 0, dim) : x;
  at::Tensor turned;
  if (architecture.rotary_interleaved) {
    const at::Tensor pairs = part.unflatten(-1, {dim / 2, 2});
    turned = at::stack({pairs.select(-1, 1).neg(), pairs.select(-1, 0)}, -1).flatten(-2);
  } else {
    const auto halves = part.chunk(2, -1);
    turned = at::cat({halves[1].neg(), halves[0]}, -1);
  }
  const at::Tensor rotated = at::addcmul(part * tables.cosine, turned, tables.sine);
  return partial ? at::cat({rotated, x.narrow(-1, dim, x.size(-1) - dim)}, -1) : rotated;
}

}  // namespace kedit::decoder
