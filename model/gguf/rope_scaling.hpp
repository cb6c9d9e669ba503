#pragma once

#include "model/gguf/gguf_file.hpp"

#include <cstdint>
#include <string_view>

namespace kedit::gguf {

/// The rotation before it is stretched.
struct Rotation {
  double theta = 10000.0;
  std::int64_t width = 0;      ///< Rotated elements of a head.
  std::int64_t positions = 0;  ///< The model's context length.
};

/// The `rope_scaling` of config.json that the keys `rope.scaling.*` and the tensors of frequency
/// factors mean; null where the rotation is the plain one. Of `rope_freqs.weight` (Llama 3.x) the
/// four parameters that it was computed from are recovered among the published ones; where none
/// gives its factors it becomes a `longrope` with these factors for every length, which computes
/// the same. Throws `JsonError` or `ModelError` naming key or tensor.
Json read_rope_scaling(const GgufFile& file, std::string_view architecture,
                       const Rotation& rotation);

}  // namespace kedit::gguf
