#pragma once

#include <cstdint>
#include <cstring>

/// Bit-exact conversions between stored 16-bit types and float32, branch-free so that loops over
/// them become vector code on every level of instruction set.
namespace kedit::kernels {

struct Bfloat16 {
  std::uint16_t bits;
};

struct Float16 {
  std::uint16_t bits;
};

#if defined(__GNUC__)
#define KEDIT_KERNEL_INLINE inline __attribute__((always_inline))
#else
#define KEDIT_KERNEL_INLINE inline
#endif

KEDIT_KERNEL_INLINE std::uint32_t float_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

KEDIT_KERNEL_INLINE float bits_float(std::uint32_t bits) {
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

KEDIT_KERNEL_INLINE float to_float(float value) { return value; }

KEDIT_KERNEL_INLINE float to_float(Bfloat16 value) {
  return bits_float(static_cast<std::uint32_t>(value.bits) << 16U);
}

// Normal numbers by scaling the exponent, subnormal ones by subtracting a magic constant.
KEDIT_KERNEL_INLINE float to_float(Float16 value) {
  const std::uint32_t word = static_cast<std::uint32_t>(value.bits) << 16U;
  const std::uint32_t sign = word & 0x80000000U;
  const std::uint32_t doubled = word + word;
  const float normal = bits_float((doubled >> 4U) + (0xE0U << 23U)) * 0x1.0p-112F;
  const float subnormal = bits_float((doubled >> 17U) | (126U << 23U)) - 0.5F;
  const std::uint32_t magnitude =
      doubled < (1U << 27U) ? float_bits(subnormal) : float_bits(normal);
  return bits_float(sign | magnitude);
}

// To nearest, ties to even; NaN stays NaN.
template <class T>
T round_to(float value) = delete;

template <>
KEDIT_KERNEL_INLINE float round_to<float>(float value) {
  return value;
}

template <>
KEDIT_KERNEL_INLINE Bfloat16 round_to<Bfloat16>(float value) {
  const std::uint32_t bits = float_bits(value);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16U) & 1U);
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return {static_cast<std::uint16_t>(is_nan ? 0x7FC0U : rounded >> 16U)};
}

template <>
KEDIT_KERNEL_INLINE Float16 round_to<Float16>(float value) {
  const std::uint32_t word = float_bits(value);
  const std::uint32_t doubled = word + word;
  const std::uint32_t sign = word & 0x80000000U;
  // Overflows to infinity what is above the type's range, then aligns the mantissa so that the
  // addition below rounds it.
  const float base = (bits_float(word & 0x7FFFFFFFU) * 0x1.0p+112F) * 0x1.0p-110F;
  std::uint32_t bias = doubled & 0xFF000000U;
  bias = bias < 0x71000000U ? 0x71000000U : bias;
  const std::uint32_t bits = float_bits(bits_float((bias >> 1U) + 0x07800000U) + base);
  const std::uint32_t finite = ((bits >> 13U) & 0x7C00U) + (bits & 0x0FFFU);
  const std::uint32_t magnitude = doubled > 0xFF000000U ? 0x7E00U : finite;
  return {static_cast<std::uint16_t>((sign >> 16U) | magnitude)};
}

}  // namespace kedit::kernels
