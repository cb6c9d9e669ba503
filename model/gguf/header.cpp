#include "model/gguf/header.hpp"

#include "json/short_name.hpp"
#include "model/decoder/architecture.hpp"  // ModelError
#include "model/gguf/byte_reader.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace kedit::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are read as they lie");

constexpr std::uint64_t kMaxTensors = 1000000;
constexpr std::uint64_t kMaxKeys = 1000000;
constexpr std::uint64_t kMaxNameBytes = 65535;  // of keys and tensors; the format's limit for keys
constexpr std::uint64_t kMaxAlignment = 1 << 20;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr int kMaxArrayDepth = 16;

/// The numbers of the format's value types.
enum ValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
  kValueTypes
};

// Bytes of a value, or of its length where it has one.
constexpr std::array<std::uint64_t, kValueTypes> kValueBytes = {1, 1, 2,  2, 4, 4, 4,
                                                                1, 8, 12, 8, 8, 8};

struct TypeNumber {
  std::uint32_t number;
  kernels::BlockType type;
};

constexpr std::array<TypeNumber, 13> kTypes = {{{0, kernels::BlockType::f32},
                                                {1, kernels::BlockType::f16},
                                                {2, kernels::BlockType::q4_0},
                                                {3, kernels::BlockType::q4_1},
                                                {6, kernels::BlockType::q5_0},
                                                {7, kernels::BlockType::q5_1},
                                                {8, kernels::BlockType::q8_0},
                                                {10, kernels::BlockType::q2_k},
                                                {11, kernels::BlockType::q3_k},
                                                {12, kernels::BlockType::q4_k},
                                                {13, kernels::BlockType::q5_k},
                                                {14, kernels::BlockType::q6_k},
                                                {30, kernels::BlockType::bf16}}};

// Types of llama.cpp that are not read here, so that they can be refused by name.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 21> kOtherTypes = {
    {{9, "Q8_1"},    {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"},
     {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},
     {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},  {34, "TQ1_0"},   {35, "TQ2_0"},
     {39, "MXFP4"},  {40, "NVFP4"}, {31, "Q4_0_4_4"}}};

std::string type_name(std::uint32_t number) {
  for (const auto& [other, name] : kOtherTypes) {
    if (other == number) return std::string(name);
  }
  return fmt::format("type {}", number);
}

std::vector<std::string_view> supported_types() {
  std::vector<std::string_view> names;
  for (const TypeNumber& one : kTypes) names.push_back(kernels::block_layout(one.type).name);
  return names;
}

bool is_utf8_text(std::string_view text) { return !tokenizer::first_invalid_utf8(text); }

// What the writer had before it rounded to float32.
double widened(float value) {
  if (!std::isfinite(value)) return static_cast<double>(value);
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

// Reads front to back; every fault names what it stands in.
class HeaderReader {
 public:
  HeaderReader(const std::uint8_t* data, std::size_t size, const std::string& origin)
      : bytes_(data, size, origin) {}

  Header read() {
    read_magic_and_version();
    const std::uint64_t tensors = bytes_.number<std::uint64_t>("the tensor count");
    const std::uint64_t keys = bytes_.number<std::uint64_t>("the key count");
    // The smallest key takes 8 + 1 + 4 + 1 bytes, the smallest tensor 8 + 1 + 4 + 8 + 4 + 8.
    check_count("the key count", keys, 13, kMaxKeys);
    for (std::uint64_t i = 0; i < keys; ++i) read_key(i);
    check_count("the tensor count", tensors, 32, kMaxTensors);
    read_alignment();
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor(i);
    place_tensors();
    return std::move(header_);
  }

 private:
  void read_magic_and_version() {
    const std::string_view magic = bytes_.text(4, "the magic \"GGUF\"");
    if (magic != "GGUF") bytes_.fail("the magic: expected \"GGUF\", found another kind of file");
    header_.version = bytes_.number<std::uint32_t>("the version");
    const std::uint32_t version = header_.version;
    if (version == 2 || version == 3) return;
    if (version != 0 && version % 0x10000 == 0) {
      bytes_.fail("the version: expected a little-endian file, found a big-endian one");
    }
    bytes_.fail(fmt::format("the version: expected 2 or 3, found {}", version));
  }

  // No count is believed that the rest of the file cannot hold.
  void check_count(const std::string& what, std::uint64_t count, std::uint64_t bytes_each,
                   std::uint64_t most) {
    if (count <= most && count <= bytes_.left() / bytes_each) return;
    bytes_.fail(fmt::format("{}: expected at most {} (the file's size), found {}", what,
                            std::min(most, bytes_.left() / bytes_each), count));
  }

  std::string read_name(const std::string& what) {
    const auto length = bytes_.number<std::uint64_t>(what);
    if (length == 0 || length > kMaxNameBytes || length > bytes_.left()) {
      bytes_.fail(fmt::format("{}: expected a string of 1 to {} bytes, found a length of {}", what,
                              std::min<std::uint64_t>(kMaxNameBytes, bytes_.left()), length));
    }
    const std::string_view name = bytes_.text(length, what);
    if (!is_utf8_text(name))
      bytes_.fail(fmt::format("{}: expected UTF-8, found other bytes", what));
    return std::string(name);
  }

  void read_key(std::uint64_t number) {
    const std::string key = read_name(fmt::format("key {}", number + 1));
    const std::string what = fmt::format("key {}", short_name(key));
    if (!seen_keys_.insert(key).second) {
      bytes_.fail(fmt::format("{}: expected each key once, found it twice", what));
    }
    const auto type = bytes_.number<std::uint32_t>(what);
    Json value = read_value(type, what, 0);
    if (value.is_discarded()) return;
    // Behind one another: known to differ, and looking each up would take quadratic time.
    auto& object = header_.metadata.get_ref<Json::object_t&>();
    object.Json::object_t::Container::emplace_back(key, std::move(value));
  }

  // A discarded value where there is nothing to keep.
  Json read_value(std::uint32_t type, const std::string& what, int depth) {
    switch (type) {
      case kUint8:
        return bytes_.number<std::uint8_t>(what);
      case kInt8:
        return bytes_.number<std::int8_t>(what);
      case kUint16:
        return bytes_.number<std::uint16_t>(what);
      case kInt16:
        return bytes_.number<std::int16_t>(what);
      case kUint32:
        return bytes_.number<std::uint32_t>(what);
      case kInt32:
        return bytes_.number<std::int32_t>(what);
      case kFloat32:
        return widened(bytes_.number<float>(what));
      case kBool:
        return bytes_.number<std::uint8_t>(what) != 0;
      case kString:
        return read_string(what);
      case kArray:
        return read_array(what, depth);
      case kUint64:
        return bytes_.number<std::uint64_t>(what);
      case kInt64:
        return bytes_.number<std::int64_t>(what);
      case kFloat64:
        return bytes_.number<double>(what);
      default:
        bytes_.fail(fmt::format("{}: expected a value type from 0 to {}, found {}", what,
                                kValueTypes - 1, type));
    }
  }

  Json read_string(const std::string& what) {
    const auto length = bytes_.number<std::uint64_t>(what);
    if (length > bytes_.left()) {
      bytes_.fail(
          fmt::format("{}: expected a string of at most {} bytes (the file's rest), found "
                      "a length of {}",
                      what, bytes_.left(), length));
    }
    const std::string_view text = bytes_.text(length, what);
    // Not every tool writes UTF-8 into the keys that nobody reads.
    return is_utf8_text(text) ? Json(std::string(text)) : Json(Json::value_t::discarded);
  }

  Json read_array(const std::string& what, int depth) {
    if (depth == kMaxArrayDepth) {
      bytes_.fail(fmt::format("{}: expected at most {} arrays within each other, found more", what,
                              kMaxArrayDepth));
    }
    const auto type = bytes_.number<std::uint32_t>(what);
    if (type >= kValueTypes) {
      bytes_.fail(fmt::format("{}: expected a value type from 0 to {}, found {}", what,
                              kValueTypes - 1, type));
    }
    const auto count = bytes_.number<std::uint64_t>(what);
    if (count > bytes_.left() / kValueBytes[type]) {
      bytes_.fail(
          fmt::format("{}: expected an array of a count up to {} (the file's rest), found "
                      "{}",
                      what, bytes_.left() / kValueBytes[type], count));
    }
    const bool kept = depth == 0 && type != kArray && is_read(what);
    Json array = Json::array();
    for (std::uint64_t i = 0; i < count; ++i) {
      Json value = read_value(type, what, depth + 1);
      if (value.is_discarded() && kept) {
        bytes_.fail(fmt::format("{}: expected UTF-8, found other bytes in element {}", what, i));
      }
      if (kept) array.push_back(std::move(value));
    }
    return kept ? array : Json(Json::value_t::discarded);
  }

  // Arrays grow to many times their size in the file, so unknown ones are not kept.
  static bool is_read(std::string_view what) {
    return what.find("tokenizer.") != what.npos || what.find(".attention.") != what.npos ||
           what.find(".feed_forward_length") != what.npos;
  }

  void read_alignment() {
    const auto found = header_.metadata.find("general.alignment");
    if (found == header_.metadata.end()) return;
    if (found->is_number_unsigned()) alignment_ = found->get<std::uint64_t>();
    const bool legal = found->is_number_unsigned() && alignment_ >= 8 && alignment_ % 8 == 0 &&
                       alignment_ <= kMaxAlignment;
    if (legal) return;
    bytes_.fail(fmt::format("key general.alignment: expected a multiple of 8 up to {}, found {}",
                            kMaxAlignment, short_name(to_text(*found))));
  }

  void read_tensor(std::uint64_t number) {
    TensorInfo tensor;
    tensor.name = read_name(fmt::format("the name of tensor {}", number + 1));
    const std::string what = fmt::format("tensor {}", short_name(tensor.name));
    if (!seen_tensors_.insert(tensor.name).second) {
      bytes_.fail(fmt::format("{}: expected each tensor once, found it twice", what));
    }
    const auto dimensions = bytes_.number<std::uint32_t>(what);
    if (dimensions < 1 || dimensions > kMaxDimensions) {
      bytes_.fail(fmt::format("{}: expected 1 to {} dimensions, found {}", what, kMaxDimensions,
                              dimensions));
    }
    std::vector<std::uint64_t> sides;  // fastest first
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      sides.push_back(bytes_.number<std::uint64_t>(what));
    }
    tensor.type = read_type(bytes_.number<std::uint32_t>(what), what);
    const std::uint64_t bytes = checked_bytes(sides, tensor.type, what);
    tensor.begin = bytes_.number<std::uint64_t>(what);  // relative until all are known
    if (tensor.begin % alignment_ != 0) {
      bytes_.fail(
          fmt::format("{}: expected an offset that is a multiple of the alignment {}, "
                      "found {}",
                      what, alignment_, tensor.begin));
    }
    tensor.end = bytes;
    for (auto side = sides.rbegin(); side != sides.rend(); ++side) {
      tensor.shape.push_back(static_cast<std::int64_t>(*side));
    }
    header_.tensors.push_back(std::move(tensor));
  }

  kernels::BlockType read_type(std::uint32_t number, const std::string& what) {
    for (const TypeNumber& one : kTypes) {
      if (one.number == number) return one.type;
    }
    bytes_.fail(fmt::format("{}: expected a tensor type among {}, found {}, which is not supported",
                            what, fmt::join(supported_types(), ", "), type_name(number)));
  }

  // Bytes of all blocks, never more than the file has.
  std::uint64_t checked_bytes(const std::vector<std::uint64_t>& sides, kernels::BlockType type,
                              const std::string& what) {
    const kernels::BlockLayout layout = kernels::block_layout(type);
    const auto block = static_cast<std::uint64_t>(layout.elements);
    if (sides.front() % block != 0) {
      bytes_.fail(
          fmt::format("{}: expected a shape with rows of whole {} blocks of {}, found rows "
                      "of {}",
                      what, layout.name, block, sides.front()));
    }
    std::uint64_t bytes = static_cast<std::uint64_t>(layout.bytes);
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const std::uint64_t side = i == 0 ? sides[i] / block : sides[i];
      if (side == 0) {
        bytes_.fail(fmt::format("{}: expected a shape without a zero dimension, found one", what));
      }
      if (bytes > bytes_.size() / side) {
        bytes_.fail(
            fmt::format("{}: expected a shape of at most {} bytes (the file's size), found "
                        "a larger one",
                        what, bytes_.size()));
      }
      bytes *= side;
    }
    return bytes;
  }

  // Offsets count from the first multiple of the alignment after the header.
  void place_tensors() {
    const std::uint64_t begin = (bytes_.position() + alignment_ - 1) / alignment_ * alignment_;
    for (TensorInfo& tensor : header_.tensors) {
      const std::uint64_t bytes = tensor.end;
      const std::uint64_t room = bytes_.size() > begin ? bytes_.size() - begin : 0;
      if (bytes > room || tensor.begin > room - bytes) {
        bytes_.fail(
            fmt::format("tensor {}: expected {} bytes at offset {}, found the end of file after {} "
                        "bytes of data; the file is truncated or damaged",
                        short_name(tensor.name), bytes, tensor.begin, room));
      }
      tensor.begin += begin;
      tensor.end = tensor.begin + bytes;
    }
  }

  ByteReader bytes_;
  Header header_;
  std::uint64_t alignment_ = kDefaultAlignment;
  std::unordered_set<std::string> seen_keys_, seen_tensors_;
};

}  // namespace

std::int64_t TensorInfo::elements() const {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  return count;
}

Header read_header(const std::uint8_t* data, std::size_t size, const std::string& origin) {
  return HeaderReader(data, size, origin).read();
}

}  // namespace kedit::gguf
