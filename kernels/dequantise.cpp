#include "kernels/dequantise.hpp"

#include "kernels/element.hpp"
#include "kernels/instruction_sets.hpp"

#include <array>
#include <cstring>

namespace kedit::kernels {
namespace {

constexpr int kBlock = 32;
constexpr int kSuperBlock = 256;

KEDIT_KERNEL_INLINE std::uint16_t half_word(const std::uint8_t* bytes) {
  std::uint16_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

KEDIT_KERNEL_INLINE std::uint32_t word(const std::uint8_t* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

KEDIT_KERNEL_INLINE float half(const std::uint8_t* bytes) {
  return to_float(Float16{half_word(bytes)});
}

KEDIT_KERNEL_INLINE float signed_byte(std::uint8_t byte) {
  return static_cast<float>(static_cast<std::int8_t>(byte));
}

// One struct a type: the size of a block, and what its bytes mean. Offsets are the format's.

struct F32 {
  static constexpr BlockLayout layout{"F32", 1, 4};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    *out = bits_float(word(block));
  }
};

struct F16 {
  static constexpr BlockLayout layout{"F16", 1, 2};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    *out = half(block);
  }
};

struct Bf16 {
  static constexpr BlockLayout layout{"BF16", 1, 2};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    *out = to_float(Bfloat16{half_word(block)});
  }
};

// d, 16 bytes of two quants: the low halves are the first 16 elements.
struct Q4_0 {
  static constexpr BlockLayout layout{"Q4_0", kBlock, 18};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const std::uint8_t* quants = block + 2;
    for (int j = 0; j < 16; ++j) {
      out[j] = static_cast<float>((quants[j] & 15) - 8) * d;
      out[j + 16] = static_cast<float>((quants[j] >> 4) - 8) * d;
    }
  }
};

// d, m, 16 bytes of two quants.
struct Q4_1 {
  static constexpr BlockLayout layout{"Q4_1", kBlock, 20};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const float m = half(block + 2);
    const std::uint8_t* quants = block + 4;
    for (int j = 0; j < 16; ++j) {
      out[j] = static_cast<float>(quants[j] & 15) * d + m;
      out[j + 16] = static_cast<float>(quants[j] >> 4) * d + m;
    }
  }
};

KEDIT_KERNEL_INLINE int fifth_bit(std::uint32_t bits, int element) {
  return static_cast<int>((bits >> element) & 1U) << 4;
}

// d, a word of fifth bits, 16 bytes of two quants.
struct Q5_0 {
  static constexpr BlockLayout layout{"Q5_0", kBlock, 22};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const std::uint32_t high = word(block + 2);
    const std::uint8_t* quants = block + 6;
    for (int j = 0; j < 16; ++j) {
      out[j] = static_cast<float>(((quants[j] & 15) | fifth_bit(high, j)) - 16) * d;
      out[j + 16] = static_cast<float>(((quants[j] >> 4) | fifth_bit(high, j + 16)) - 16) * d;
    }
  }
};

// d, m, a word of fifth bits, 16 bytes of two quants.
struct Q5_1 {
  static constexpr BlockLayout layout{"Q5_1", kBlock, 24};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const float m = half(block + 2);
    const std::uint32_t high = word(block + 4);
    const std::uint8_t* quants = block + 8;
    for (int j = 0; j < 16; ++j) {
      out[j] = static_cast<float>((quants[j] & 15) | fifth_bit(high, j)) * d + m;
      out[j + 16] = static_cast<float>((quants[j] >> 4) | fifth_bit(high, j + 16)) * d + m;
    }
  }
};

// d, 32 signed bytes.
struct Q8_0 {
  static constexpr BlockLayout layout{"Q8_0", kBlock, 34};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    for (int j = 0; j < kBlock; ++j) out[j] = signed_byte(block[2 + j]) * d;
  }
};

// 16 bytes of (minimum, scale) halves, one for 16 elements; 64 bytes of four quants; d; dmin.
struct Q2K {
  static constexpr BlockLayout layout{"Q2_K", kSuperBlock, 84};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const std::uint8_t* quants = block + 16;
    const float d = half(block + 80);
    const float dmin = half(block + 82);
    for (int group = 0; group < 16; ++group) {  // of 16 elements
      const float scale = d * static_cast<float>(block[group] & 15);
      const float minimum = dmin * static_cast<float>(block[group] >> 4);
      const std::uint8_t* from = quants + (group / 8) * 32 + (group % 2) * 16;
      const int shift = 2 * ((group % 8) / 2);
      for (int l = 0; l < 16; ++l) {
        out[16 * group + l] = scale * static_cast<float>((from[l] >> shift) & 3) - minimum;
      }
    }
  }
};

// 16 scales of 6 bits in 12 bytes: low halves of 8 bytes, then pairs of high bits in 4.
KEDIT_KERNEL_INLINE std::array<int, 16> scales_of_q3(const std::uint8_t* packed) {
  std::array<int, 16> scales{};
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
    const int high = (packed[8 + i % 4] >> (2 * (i / 4))) & 3;
    scales[static_cast<std::size_t>(i)] = (low | (high << 4)) - 32;
  }
  return scales;
}

// 32 bytes of third bits, 64 bytes of four quants, 12 bytes of scales, d.
struct Q3K {
  static constexpr BlockLayout layout{"Q3_K", kSuperBlock, 110};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const std::uint8_t* quants = block + 32;
    const auto scales = scales_of_q3(block + 96);
    const float d = half(block + 108);
    for (int group = 0; group < 16; ++group) {  // of 16 elements
      const float scale = d * static_cast<float>(scales[static_cast<std::size_t>(group)]);
      const std::uint8_t* from = quants + (group / 8) * 32 + (group % 2) * 16;
      const std::uint8_t* high = block + (group % 2) * 16;
      const int shift = 2 * ((group % 8) / 2);
      for (int l = 0; l < 16; ++l) {
        const int third = ((high[l] >> (group / 2)) & 1) << 2;
        out[16 * group + l] = scale * static_cast<float>(((from[l] >> shift) & 3) + third - 4);
      }
    }
  }
};

/// Scale and minimum of 32 elements.
struct ScaleAndMinimum {
  int scale, minimum;
};

// Eight pairs of 6 bits in 12 bytes (Q4_K, Q5_K).
KEDIT_KERNEL_INLINE ScaleAndMinimum scale_and_minimum(const std::uint8_t* packed, int i) {
  if (i < 4) return {packed[i] & 63, packed[i + 4] & 63};
  return {(packed[i + 4] & 15) | ((packed[i - 4] >> 6) << 4),
          (packed[i + 4] >> 4) | ((packed[i] >> 6) << 4)};
}

// d, dmin, 12 bytes of scales and minima, 128 bytes of two quants.
struct Q4K {
  static constexpr BlockLayout layout{"Q4_K", kSuperBlock, 144};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const float dmin = half(block + 2);
    for (int group = 0; group < 8; ++group) {  // of 32 elements
      const auto packed = scale_and_minimum(block + 4, group);
      const float scale = d * static_cast<float>(packed.scale);
      const float minimum = dmin * static_cast<float>(packed.minimum);
      const std::uint8_t* from = block + 16 + (group / 2) * 32;
      const int shift = 4 * (group % 2);
      for (int l = 0; l < 32; ++l) {
        out[32 * group + l] = scale * static_cast<float>((from[l] >> shift) & 15) - minimum;
      }
    }
  }
};

// d, dmin, 12 bytes of scales and minima, 32 bytes of fifth bits, 128 bytes of two quants.
struct Q5K {
  static constexpr BlockLayout layout{"Q5_K", kSuperBlock, 176};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block);
    const float dmin = half(block + 2);
    const std::uint8_t* high = block + 16;
    for (int group = 0; group < 8; ++group) {  // of 32 elements
      const auto packed = scale_and_minimum(block + 4, group);
      const float scale = d * static_cast<float>(packed.scale);
      const float minimum = dmin * static_cast<float>(packed.minimum);
      const std::uint8_t* from = block + 48 + (group / 2) * 32;
      const int shift = 4 * (group % 2);
      for (int l = 0; l < 32; ++l) {
        const int quant = ((from[l] >> shift) & 15) | (((high[l] >> group) & 1) << 4);
        out[32 * group + l] = scale * static_cast<float>(quant) - minimum;
      }
    }
  }
};

// 128 bytes of low halves, 64 bytes of upper pairs of bits, 16 signed scales, d.
struct Q6K {
  static constexpr BlockLayout layout{"Q6_K", kSuperBlock, 210};
  KEDIT_KERNEL_INLINE static void decode(const std::uint8_t* block, float* out) {
    const float d = half(block + 208);
    for (int group = 0; group < 16; ++group) {  // of 16 elements
      const int half_block = group / 8;
      const int quarter = (group % 8) / 2;  // of 32 elements within a half
      const int within = (group % 2) * 16;
      const float scale = d * signed_byte(block[192 + group]);
      const std::uint8_t* low = block + 64 * half_block + 32 * (quarter % 2) + within;
      const std::uint8_t* high = block + 128 + 32 * half_block + within;
      for (int l = 0; l < 16; ++l) {
        const int quant =
            ((low[l] >> (4 * (quarter / 2))) & 15) | (((high[l] >> (2 * quarter)) & 3) << 4);
        out[16 * group + l] = scale * static_cast<float>(quant - 32);
      }
    }
  }
};

template <class Type>
KEDIT_KERNEL_INLINE void decode_all(const std::uint8_t* blocks, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    Type::decode(blocks + i * Type::layout.bytes, out + i * Type::layout.elements);
  }
}

template <class Type>
KEDIT_TARGET_AVX2 void decode_all_avx2(const std::uint8_t* blocks, std::int64_t count, float* out) {
  decode_all<Type>(blocks, count, out);
}

template <class Type>
void run(const void* blocks, std::int64_t count, float* values) {
  const auto* bytes = static_cast<const std::uint8_t*>(blocks);
  const std::int64_t whole = count / Type::layout.elements;
  if (instruction_set() == InstructionSet::plain) return decode_all<Type>(bytes, whole, values);
  decode_all_avx2<Type>(bytes, whole, values);
}

// Calls visit with the struct of the type.
template <class Visit>
auto with_type(BlockType type, const Visit& visit) {
  switch (type) {
    case BlockType::f32:
      return visit(F32{});
    case BlockType::f16:
      return visit(F16{});
    case BlockType::bf16:
      return visit(Bf16{});
    case BlockType::q4_0:
      return visit(Q4_0{});
    case BlockType::q4_1:
      return visit(Q4_1{});
    case BlockType::q5_0:
      return visit(Q5_0{});
    case BlockType::q5_1:
      return visit(Q5_1{});
    case BlockType::q8_0:
      return visit(Q8_0{});
    case BlockType::q2_k:
      return visit(Q2K{});
    case BlockType::q3_k:
      return visit(Q3K{});
    case BlockType::q4_k:
      return visit(Q4K{});
    case BlockType::q5_k:
      return visit(Q5K{});
    case BlockType::q6_k:
      break;
  }
  return visit(Q6K{});
}

}  // namespace

BlockLayout block_layout(BlockType type) {
  return with_type(type, [](auto block) { return decltype(block)::layout; });
}

void dequantise(const void* blocks, BlockType type, std::int64_t count, float* values) {
  with_type(type, [&](auto block) { run<decltype(block)>(blocks, count, values); });
}

}  // namespace kedit::kernels
