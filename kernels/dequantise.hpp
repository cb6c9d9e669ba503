#pragma once

#include <cstdint>
#include <string_view>

namespace kedit::kernels {

/// How GGUF files store numbers: plain floats, blocks of 32 with one scale (Q*_0) or a scale and an
/// offset (Q*_1), super-blocks of 256 with packed scales (Q*_K).
enum class BlockType { f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k };

struct BlockLayout {
  std::string_view name;  ///< As llama.cpp writes it: "Q4_K".
  std::int64_t elements;  ///< Of one block.
  std::int64_t bytes;     ///< Of one block.
};

BlockLayout block_layout(BlockType type);

/// values[0 .. count) = the numbers that the blocks mean, in float32, each product and sum rounded
/// on its own as the format's reference code (ggml) does. `count` is a multiple of the block's
/// elements; `blocks` needs no alignment.
void dequantise(const void* blocks, BlockType type, std::int64_t count, float* values);

}  // namespace kedit::kernels
