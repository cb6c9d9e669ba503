#pragma once

#include "json/json.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::testing {

/// FNV-1a, as tests/golden/nasty_golden.py has it.
inline std::uint64_t hash_of(std::string_view text, std::uint64_t value = 0xCBF29CE484222325ULL) {
  for (const char byte : text) {
    value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  return value;
}

inline std::string hash_text(std::uint64_t value) { return fmt::format("{:016x}", value); }

inline std::string joined(const std::vector<std::int64_t>& ids) {
  std::string text;
  for (const std::int64_t id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return text;
}

/// The generator of tests/golden/nasty_golden.py: the same strings in the same order.
class NastyTexts {
 public:
  NastyTexts() : tables_(read_json(golden_file("nasty_generator.json"))) {
    state_ = tables_.at("seed").get<std::uint64_t>();
    for (const Json& alphabet : tables_.at("alphabets")) {
      alphabets_.push_back(characters_of(alphabet.get<std::string>()));
    }
    letters_ = characters_of(tables_.at("letters").get<std::string>());
  }

  std::string next() {
    std::string text;
    const std::size_t parts = 1 + below(8);
    for (std::size_t i = 0; i < parts; ++i) append_part(text);
    return text;
  }

 private:
  using Characters = std::vector<char32_t>;

  static Characters characters_of(const std::string& text) {
    Characters characters;
    for (std::size_t at = 0; at < text.size();) {
      const tokenizer::CodePoint character = tokenizer::code_point_at(text, at);
      characters.push_back(character.value);
      at += character.bytes;
    }
    return characters;
  }

  std::size_t below(std::size_t count) {  // splitmix64
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return ((z ^ (z >> 31U)) >> 11U) % count;
  }

  void append_characters(std::string& text, const Characters& alphabet, std::size_t most) {
    const std::size_t count = 1 + below(most);
    for (std::size_t i = 0; i < count; ++i)
      tokenizer::append_utf8(text, alphabet[below(alphabet.size())]);
  }

  void append_part(std::string& text) {
    const std::size_t kind = below(4);
    if (kind == 0) {
      const Json& pieces = tables_.at("pieces");
      text += pieces[below(pieces.size())].get<std::string>();
    } else if (kind == 1) {
      const Characters& alphabet = alphabets_[below(alphabets_.size())];
      append_characters(text, alphabet, 9);
    } else if (kind == 2) {
      append_characters(text, letters_, 20);
    } else {
      const Json& ranges = tables_.at("ranges");
      const Json& range = ranges[below(ranges.size())];
      const auto first = range[0].get<std::size_t>();
      tokenizer::append_utf8(
          text, static_cast<char32_t>(first + below(range[1].get<std::size_t>() - first + 1)));
    }
  }

  Json tables_;
  std::uint64_t state_ = 0;
  std::vector<Characters> alphabets_;
  Characters letters_;
};

}  // namespace kedit::testing
