#pragma once

#include "model/decoder/architecture.hpp"  // ModelError

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kedit::gguf {

/// Bytes of a file from front to back, never past the end. `what` names what is read, for the
/// message of a `ModelError`.
class ByteReader {
 public:
  ByteReader(const std::uint8_t* data, std::size_t size, std::string origin)
      : data_(data), size_(size), origin_(std::move(origin)) {}

  template <class Number>
  Number number(std::string_view what) {
    need(sizeof(Number), what);
    Number value;
    std::memcpy(&value, data_ + position_, sizeof(Number));
    position_ += sizeof(Number);
    return value;
  }

  std::string_view text(std::uint64_t length, std::string_view what) {
    need(length, what);
    const auto* begin = reinterpret_cast<const char*>(data_ + position_);
    position_ += static_cast<std::size_t>(length);
    return {begin, static_cast<std::size_t>(length)};
  }

  std::size_t position() const { return position_; }
  std::size_t size() const { return size_; }
  std::uint64_t left() const { return size_ - position_; }

  [[noreturn]] void fail(const std::string& fault) const {
    throw ModelError(fmt::format("reading {}: {}", origin_, fault));
  }

 private:
  void need(std::uint64_t bytes, std::string_view what) const {
    if (bytes <= left()) return;
    fail(
        fmt::format("{}: expected {} more bytes, found the end of file after {}; the file is "
                    "truncated or damaged",
                    what, bytes, left()));
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::string origin_;
  std::size_t position_ = 0;
};

}  // namespace kedit::gguf
