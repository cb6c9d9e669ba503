#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// GGUF files as the tests want them, damaged ones too: nothing is checked.
namespace kedit::testing {

class GgufWriter {
 public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::uint64_t more_keys = 0, more_tensors = 0;  ///< Added to the counts that the header says.

  static std::string bytes(auto value) {
    std::string text(sizeof(value), '\0');
    std::memcpy(text.data(), &value, sizeof(value));
    return text;
  }
  static std::string string(const std::string& text) {
    return bytes(std::uint64_t{text.size()}) + text;
  }

  /// A key with the number of its type and the bytes of its value.
  GgufWriter& raw(const std::string& key, std::uint32_t type, const std::string& value) {
    keys_.push_back(string(key) + bytes(type) + value);
    return *this;
  }
  GgufWriter& number(const std::string& key, std::uint32_t value) {
    return raw(key, 4, bytes(value));
  }
  GgufWriter& real(const std::string& key, float value) { return raw(key, 6, bytes(value)); }
  GgufWriter& text(const std::string& key, const std::string& value) {
    return raw(key, 8, string(value));
  }
  GgufWriter& texts(const std::string& key, const std::vector<std::string>& values) {
    std::string all = bytes(std::uint32_t{8}) + bytes(std::uint64_t{values.size()});
    for (const std::string& one : values) all += string(one);
    return raw(key, 9, all);
  }

  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> sides;  ///< Fastest first, as the file has them.
    std::uint32_t type = 0;
    std::string data;
    std::int64_t offset = -1;  ///< -1: where the data goes.
  };
  Tensor& tensor(const std::string& name, std::vector<std::uint64_t> sides, std::uint32_t type,
                 std::string data) {
    tensors_.push_back({name, std::move(sides), type, std::move(data), -1});
    return tensors_.back();
  }
  /// Float32 zeros.
  Tensor& zeros(const std::string& name, const std::vector<std::uint64_t>& sides) {
    std::uint64_t count = 1;
    for (const std::uint64_t side : sides) count *= side;
    return tensor(name, sides, 0, std::string(static_cast<std::size_t>(4 * count), '\0'));
  }
  Tensor& at(const std::string& name) {
    for (Tensor& one : tensors_) {
      if (one.name == name) return one;
    }
    throw std::out_of_range("no tensor " + name);
  }
  void drop(const std::string& name) {
    std::erase_if(tensors_, [&](const Tensor& one) { return one.name == name; });
  }

  std::string file() const {
    std::string out = magic + bytes(version) + bytes(tensors_.size() + more_tensors) +
                      bytes(keys_.size() + more_keys);
    for (const std::string& key : keys_) out += key;
    std::string data;
    for (const Tensor& one : tensors_) {
      out += string(one.name) + bytes(static_cast<std::uint32_t>(one.sides.size()));
      for (const std::uint64_t side : one.sides) out += bytes(side);
      out += bytes(one.type);
      out += bytes(one.offset < 0 ? std::uint64_t{data.size()}
                                  : static_cast<std::uint64_t>(one.offset));
      data += padded(one.data);
    }
    return padded(out) + data;
  }

 private:
  std::string padded(std::string text) const {
    text.append((alignment - text.size() % alignment) % alignment, '\0');
    return text;
  }

  std::vector<std::string> keys_;
  std::vector<Tensor> tensors_;
};

/// The smallest llama that has all parts: 1 layer, width 4, 2 heads, 6 inner, 5 tokens.
inline GgufWriter small_llama() {
  GgufWriter out;
  out.text("general.architecture", "llama")
      .number("llama.block_count", 1)
      .number("llama.context_length", 16)
      .number("llama.embedding_length", 4)
      .number("llama.feed_forward_length", 6)
      .number("llama.attention.head_count", 2)
      .real("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  out.zeros("token_embd.weight", {4, 5});
  out.zeros("output_norm.weight", {4});
  for (const char* norm : {"attn_norm", "ffn_norm"}) {
    out.zeros("blk.0." + std::string(norm) + ".weight", {4});
  }
  for (const char* square : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    out.zeros("blk.0." + std::string(square) + ".weight", {4, 4});
  }
  for (const char* up : {"ffn_gate", "ffn_up"}) {
    out.zeros("blk.0." + std::string(up) + ".weight", {4, 6});
  }
  out.zeros("blk.0.ffn_down.weight", {6, 4});
  return out;
}

}  // namespace kedit::testing
