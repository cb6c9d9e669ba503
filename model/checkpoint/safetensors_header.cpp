#include "model/checkpoint/safetensors_header.hpp"

#include "json/json.hpp"
#include "json/pointer.hpp"
#include "json/short_name.hpp"
#include "model/decoder/architecture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace kedit::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{32} << 20;
constexpr std::size_t kMaxTensors = 1000000;
constexpr std::size_t kMaxNameBytes = 4096;
constexpr std::size_t kMaxRank = 8;

struct DtypeName {
  std::string_view name;
  c10::ScalarType dtype;
  std::uint64_t bytes;
};

constexpr std::array<DtypeName, 10> kDtypes = {{
    {"F32", c10::ScalarType::Float, 4},
    {"F16", c10::ScalarType::Half, 2},
    {"BF16", c10::ScalarType::BFloat16, 2},
    {"F64", c10::ScalarType::Double, 8},
    {"I64", c10::ScalarType::Long, 8},
    {"I32", c10::ScalarType::Int, 4},
    {"I16", c10::ScalarType::Short, 2},
    {"I8", c10::ScalarType::Char, 1},
    {"U8", c10::ScalarType::Byte, 1},
    {"BOOL", c10::ScalarType::Bool, 1},
}};

[[noreturn]] void fail(const std::string& origin, const std::string& what) {
  throw ModelError(fmt::format("reading {}: {}", origin, what));
}

const DtypeName& read_dtype(const JsonView& field) {
  const std::string name = field.string();
  const auto* found = std::find_if(kDtypes.begin(), kDtypes.end(),
                                   [&](const auto& known) { return known.name == name; });
  if (found == kDtypes.end())
    field.fail("a dtype among F32, F16, BF16, F64, I64, I32, I16, I8, U8, BOOL");
  return *found;
}

// Offsets and sizes are written as plain non-negative integers: no sign, point or exponent.
std::uint64_t read_count(const JsonView& field) {
  if (!field.value().is_number_unsigned()) field.fail("a non-negative integer");
  const auto value = field.value().get<std::uint64_t>();
  if (value > (std::uint64_t{1} << 62)) field.fail("an integer up to 2^62");
  return value;
}

// Elements times bytes without overflow, as a limit that the file's own size sets.
std::uint64_t checked_bytes(const SafetensorsEntry& entry, std::uint64_t bytes_per_element,
                            std::uint64_t limit, const JsonView& field) {
  std::uint64_t bytes = bytes_per_element;
  for (const std::int64_t side : entry.shape) {
    if (side == 0) return 0;
    if (bytes > limit / static_cast<std::uint64_t>(side)) {
      field.fail(fmt::format("a shape of at most {} bytes (the file's data)", limit));
    }
    bytes *= static_cast<std::uint64_t>(side);
  }
  return bytes;
}

SafetensorsEntry read_entry(const std::string& name, const JsonView& field,
                            std::uint64_t data_bytes) {
  if (name.empty() || name.size() > kMaxNameBytes || name.find('\0') != std::string::npos) {
    field.fail(fmt::format("a tensor name of 1 to {} bytes without NUL", kMaxNameBytes));
  }
  SafetensorsEntry entry;
  entry.name = name;
  const DtypeName& dtype = read_dtype(field.at("dtype"));
  entry.dtype = dtype.dtype;
  const JsonView shape = field.at("shape");
  if (shape.size() > kMaxRank) shape.fail(fmt::format("at most {} dimensions", kMaxRank));
  for (std::size_t i = 0; i < shape.size(); ++i) {
    entry.shape.push_back(static_cast<std::int64_t>(read_count(shape.at(i))));
  }
  const JsonView offsets = field.at("data_offsets");
  if (offsets.size() != 2) offsets.fail("two offsets");
  entry.begin = read_count(offsets.at(std::size_t{0}));
  entry.end = read_count(offsets.at(std::size_t{1}));
  if (entry.begin > entry.end || entry.end > data_bytes) {
    offsets.fail(fmt::format("begin <= end <= {} (the file's data)", data_bytes));
  }
  const std::uint64_t bytes = checked_bytes(entry, dtype.bytes, data_bytes, shape);
  if (bytes != entry.end - entry.begin) {
    offsets.fail(
        fmt::format("{} bytes for {} [{}]", bytes, dtype.name, fmt::join(entry.shape, ", ")));
  }
  return entry;
}

// Member by member: looking each key up would take quadratic time.
void read_metadata(const JsonView& field, std::map<std::string, std::string>& metadata) {
  if (field.value().is_null()) return;  // as the reference library reads it: none
  if (!field.value().is_object()) field.fail("an object");
  for (const auto& [key, value] : field.value().items()) {
    if (!value.is_string()) field.at(key).fail("a string");
    metadata[key] = value.template get<std::string>();
  }
}

void check_contiguous(std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes,
                      const std::string& origin) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t expected = 0;
  for (const auto& entry : entries) {
    if (entry.begin != expected) {
      fail(origin,
           fmt::format("tensor {}: expected its data to begin at {} (no overlap, no gap), found {}",
                       short_name(entry.name), expected, entry.begin));
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    fail(origin, fmt::format("expected {} bytes of data as its header says, found {}", expected,
                             data_bytes));
  }
}

std::uint64_t read_header_length(const std::uint8_t* data, std::uint64_t size,
                                 const std::string& origin) {
  if (size < 8)
    fail(origin, fmt::format("expected a safetensors file of at least 8 bytes, found {}", size));
  std::uint64_t length = 0;
  std::memcpy(&length, data, sizeof(length));
  if (length > kMaxHeaderBytes) {
    fail(origin, fmt::format("header length: expected at most {} bytes, found {}", kMaxHeaderBytes,
                             length));
  }
  if (length > size - 8) {
    fail(origin,
         fmt::format("header length: expected at most the {} bytes that follow, found {}; the "
                     "file is truncated or no safetensors file",
                     size - 8, length));
  }
  if (length == 0 || data[8] != '{') fail(origin, "header: expected a JSON object, found none");
  return length;
}

}  // namespace

SafetensorsHeader read_safetensors_header(const std::uint8_t* data, std::uint64_t size,
                                          const std::string& origin) try {
  const std::uint64_t length = read_header_length(data, size, origin);
  const std::string_view text(reinterpret_cast<const char*>(data + 8), length);
  const Json json = parse_json(text, origin, {static_cast<std::int64_t>(kMaxHeaderBytes), 4});
  const JsonView view(json, origin);

  SafetensorsHeader header;
  header.data_offset = 8 + length;
  const std::uint64_t data_bytes = size - header.data_offset;
  if (json.size() > kMaxTensors)
    fail(origin, fmt::format("expected at most {} tensors", kMaxTensors));
  for (const auto& [name, value] : json.items()) {
    const JsonView field(value, origin, pointer_step(name));
    if (name != "__metadata__") {
      header.entries.push_back(read_entry(name, field, data_bytes));
      continue;
    }
    read_metadata(field, header.metadata);
  }
  check_contiguous(header.entries, data_bytes, origin);
  return header;
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

std::optional<std::string_view> safetensors_dtype_name(c10::ScalarType dtype) {
  for (const auto& known : kDtypes) {
    if (known.dtype == dtype) return known.name;
  }
  return std::nullopt;
}

}  // namespace kedit::checkpoint
