#include "json/json.hpp"
#include "tests/properties/property.hpp"
#include "tokenizer/tokenizer.hpp"

#include <algorithm>
#include <filesystem>

using namespace kedit;

namespace {

std::string utf8(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
  if (code < 0x10000) {
    return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
  }
  return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)),
          byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
}

/// Any Unicode text: mostly ASCII, then everything up to the last plane, without surrogates.
std::string any_text() {
  const auto code = rc::gen::weightedOneOf<std::uint32_t>(
      {{6, rc::gen::inRange<std::uint32_t>(1, 0x80)},
       {2, rc::gen::inRange<std::uint32_t>(0x80, 0x3000)},
       {1, rc::gen::inRange<std::uint32_t>(0x3000, 0xD800)},
       {1, rc::gen::inRange<std::uint32_t>(0xE000, 0x110000)}});
  std::string text;
  for (const std::uint32_t one : *rc::gen::container<std::vector<std::uint32_t>>(code)) {
    text += utf8(one);
  }
  return text;
}

Json any_scalar() {
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<std::int64_t>();
    case 3:
      return *rc::gen::suchThat(rc::gen::arbitrary<double>(),
                                [](double value) { return std::isfinite(value); });
    default:
      return any_text();
  }
}

Json any_json(int depth) {
  const int kind = depth == 0 ? 0 : *rc::gen::inRange(0, 3);
  if (kind == 0) return any_scalar();
  const int size = *rc::gen::inRange(0, 4);
  Json value = kind == 1 ? Json::array() : Json::object();
  for (int i = 0; i < size; ++i) {
    if (kind == 1) {
      value.push_back(any_json(depth - 1));
    } else {
      value[any_text()] = any_json(depth - 1);
    }
  }
  return value;
}

/// The same value with the keys of every object in reverse order.
Json reversed(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& one : value) out.push_back(reversed(one));
    return out;
  }
  if (!value.is_object()) return value;
  std::vector<std::string> keys;
  for (const auto& [key, one] : value.items()) keys.push_back(key);
  std::reverse(keys.begin(), keys.end());
  Json out = Json::object();
  for (const std::string& key : keys) out[key] = reversed(value.at(key));
  return out;
}

std::shared_ptr<const Tokenizer> byte_level(const std::string& checkpoint) {
  return Tokenizer::load(std::filesystem::path(KEDIT_SOURCE_DIR) / "tests/golden/rome" /
                         checkpoint);
}

}  // namespace

TEST_CASE("parse_json: what was written is read back, written again the same") {
  check_property("JSON round trip", [] {
    const Json value = any_json(3);
    for (const int indent : {-1, 2}) {
      const std::string text = to_text(value, indent);
      const Json again = parse_json(text, "generated");
      RC_ASSERT(again == value);
      RC_ASSERT(to_text(again, indent) == text);
    }
  });
}

TEST_CASE("canonical_text: the order of keys does not matter, and it is its own canonical form") {
  check_property("canonical text", [] {
    const Json value = any_json(3);
    const std::string text = canonical_text(value);
    RC_ASSERT(canonical_text(reversed(value)) == text);
    RC_ASSERT(canonical_text(parse_json(text, "generated")) == text);
    RC_ASSERT(to_text(parse_json(text, "generated")) == text);
    RC_ASSERT(nlohmann::json(parse_json(text, "generated")) == nlohmann::json(value));
  });
}

TEST_CASE("byte-level BPE: decoding the ids of a text gives the text, and its offsets cover it") {
  const auto tokenizer = byte_level("gpt2");
  const auto with_bos = byte_level("llama");
  check_property("decode(encode(text)) == text", [&] {
    const std::string text = any_text();
    const Encoding encoding = tokenizer->encode(text);
    RC_ASSERT(tokenizer->decode(encoding.ids) == text);
    RC_ASSERT(with_bos->ids(text, false) == encoding.ids);
    RC_ASSERT(with_bos->ids(text).size() == encoding.ids.size() + 1);
    for (const auto& [begin, end] : encoding.offsets) {
      RC_ASSERT(begin <= end);
      RC_ASSERT(end <= text.size());
    }
  });
}
