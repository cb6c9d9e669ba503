#include "kernels/dequantise.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"

#include <cstring>
#include <string>
#include <vector>

using namespace kedit;
using namespace kedit::kernels;

namespace {

constexpr BlockType kAll[] = {BlockType::f32,  BlockType::f16,  BlockType::bf16, BlockType::q4_0,
                              BlockType::q4_1, BlockType::q5_0, BlockType::q5_1, BlockType::q8_0,
                              BlockType::q2_k, BlockType::q3_k, BlockType::q4_k, BlockType::q5_k,
                              BlockType::q6_k};

std::vector<unsigned char> from_hex(const std::string& text) {
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<unsigned char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<float> meant_by(const std::vector<unsigned char>& raw, BlockType type) {
  const BlockLayout layout = block_layout(type);
  const auto count = static_cast<std::int64_t>(raw.size()) / layout.bytes * layout.elements;
  std::vector<float> values(static_cast<std::size_t>(count));
  dequantise(raw.data(), type, count, values.data());
  return values;
}

}  // namespace

TEST_CASE("dequantise: blocks of every type mean what the package gguf says, to the bit") {
  const std::string file = std::string(KEDIT_SOURCE_DIR) + "/tests/golden/gguf/blocks.json";
  const Json golden = read_json(file);
  std::size_t checked = 0;
  for (const BlockType type : kAll) {
    const std::string name(block_layout(type).name);
    INFO(name);
    if (!golden.contains(name)) continue;
    const auto values = meant_by(from_hex(golden[name]["raw"]), type);
    const auto expected = from_hex(golden[name]["values"]);
    REQUIRE(expected.size() == values.size() * sizeof(float));
    CHECK(std::memcmp(values.data(), expected.data(), expected.size()) == 0);
    ++checked;
  }
  CHECK(checked == std::size(kAll) - 1);  // all but float32
}

TEST_CASE("dequantise: float32 stays as it is, from any address") {
  const std::vector<float> numbers = {1.5F, -0.0F, 1e-42F, 3e38F};
  std::vector<unsigned char> raw(numbers.size() * 4 + 1);
  std::memcpy(raw.data() + 1, numbers.data(), numbers.size() * 4);
  std::vector<float> values(numbers.size());
  dequantise(raw.data() + 1, BlockType::f32, 4, values.data());
  CHECK(std::memcmp(values.data(), numbers.data(), numbers.size() * 4) == 0);
}
