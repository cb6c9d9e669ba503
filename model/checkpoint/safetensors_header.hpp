#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::checkpoint {

/// One tensor as a checked header describes it: the bytes [begin, end) of the data buffer hold
/// exactly the elements of `shape`.
struct SafetensorsEntry {
  std::string name;
  c10::ScalarType dtype = c10::ScalarType::Float;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< by offset, without gaps
  std::map<std::string, std::string> metadata;
  std::uint64_t data_offset = 0;  ///< of the buffer in the file
};

/// Interprets the beginning of a file of `size` bytes. Nothing in the result is larger than the
/// file: every count is checked against its size. `origin` is the file name for messages
/// (`ModelError`).
SafetensorsHeader read_safetensors_header(const std::uint8_t* data, std::uint64_t size,
                                          const std::string& origin);

/// "F32" and so on, or nothing for a type that the format or kedit does not know.
std::optional<std::string_view> safetensors_dtype_name(c10::ScalarType dtype);

}  // namespace kedit::checkpoint
