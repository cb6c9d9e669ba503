#pragma once

#include "json/json.hpp"
#include "kernels/dequantise.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kedit::gguf {

/// A tensor as the header describes it.
struct TensorInfo {
  std::string name;                 ///< llama.cpp's: "blk.0.attn_q.weight"
  std::vector<std::int64_t> shape;  ///< Slowest dimension first: [out, in] of a matrix.
  kernels::BlockType type = kernels::BlockType::f32;
  std::uint64_t begin = 0, end = 0;  ///< Bytes of the file.

  std::int64_t elements() const;
};

struct Header {
  std::uint32_t version = 0;  ///< 2 or 3.
  /// The keys of the file, flat: {"general.architecture": "llama", ...}. Float32 numbers are
  /// written as the shortest decimal number that means them (1e-05, not 9.999999747378752e-06),
  /// which is what the writer converted. Arrays of arrays are checked and passed over.
  Json metadata = Json::object();
  std::vector<TensorInfo> tensors;
};

/// Reads the header of a GGUF file (version 2 or 3, little-endian) and checks it against the file's
/// size: every length and count before anything is allocated for it, names distinct, shapes of
/// whole blocks, offsets aligned and inside. Throws `ModelError` with `origin`, key or tensor.
/// Source: the format's specification (ggml, docs/gguf.md).
Header read_header(const std::uint8_t* data, std::size_t size, const std::string& origin);

}  // namespace kedit::gguf
