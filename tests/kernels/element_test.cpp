#include "kernels/element.hpp"

#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <random>

using namespace kedit::kernels;

TEST_CASE("to_float: every bfloat16 and float16 pattern converts as in LibTorch and rounds back") {
  for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    const float bf16 = to_float(Bfloat16{bits});
    const float f16 = to_float(Float16{bits});
    const auto engine_bf16 = static_cast<float>(c10::BFloat16(bits, c10::BFloat16::from_bits()));
    const auto engine_f16 = static_cast<float>(c10::Half(bits, c10::Half::from_bits()));
    const bool same_bf16 =
        std::isnan(engine_bf16) ? std::isnan(bf16) : float_bits(bf16) == float_bits(engine_bf16);
    const bool same_f16 =
        std::isnan(engine_f16) ? std::isnan(f16) : float_bits(f16) == float_bits(engine_f16);
    const bool back = (std::isnan(bf16) || round_to<Bfloat16>(bf16).bits == bits) &&
                      (std::isnan(f16) || round_to<Float16>(f16).bits == bits);
    if (!same_bf16 || !same_f16 || !back) {
      INFO("pattern " << pattern);
      REQUIRE((same_bf16 && same_f16 && back));
    }
  }
}

TEST_CASE(
    "round_to: float32 is rounded to the nearest 16-bit number with ties to even as in LibTorch") {
  std::mt19937 random(3);
  for (int i = 0; i < 2000000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    const float value = bits_float(bits);
    if (std::isnan(value)) continue;
    const bool same = round_to<Bfloat16>(value).bits == c10::BFloat16(value).x &&
                      round_to<Float16>(value).bits == c10::Half(value).x;
    if (!same) {
      INFO("bits " << bits);
      REQUIRE(same);
    }
  }
  CHECK(round_to<Bfloat16>(1.00390625F).bits == 0x3F80U);  // 1 + 2^-8: halfway, even is below
  CHECK(round_to<Bfloat16>(1.01171875F).bits == 0x3F82U);  // 1 + 3 * 2^-8: halfway, even is above
  CHECK(std::isnan(to_float(round_to<Bfloat16>(std::nanf("")))));
  CHECK(std::isnan(to_float(round_to<Float16>(std::nanf("")))));
  CHECK(std::isinf(to_float(round_to<Float16>(1e6F))));
}
