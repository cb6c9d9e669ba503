#include "tokenizer/text/charsmap.hpp"

#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

namespace kedit::tokenizer {
namespace {

std::uint32_t little_endian(std::string_view bytes, std::size_t position) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[position + i])} << (8 * i);
  }
  return value;
}

// The fields of a unit of the double array.
bool has_leaf(std::uint32_t unit) { return ((unit >> 8U) & 1U) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t label_of(std::uint32_t unit) { return unit & 0x800000FFU; }
std::size_t offset_of(std::uint32_t unit) {
  return std::size_t{unit >> 10U} << ((unit & 0x200U) >> 6U);
}

int base64_digit(char symbol) {
  if (symbol >= 'A' && symbol <= 'Z') return symbol - 'A';
  if (symbol >= 'a' && symbol <= 'z') return symbol - 'a' + 26;
  if (symbol >= '0' && symbol <= '9') return symbol - '0' + 52;
  if (symbol == '+') return 62;
  return symbol == '/' ? 63 : -1;
}

}  // namespace

Charsmap Charsmap::parse(std::string_view blob, const std::string& where) {
  const auto fail = [&](const std::string& expected, std::size_t found) {
    throw TokenizerError(fmt::format("{}: expected {}, found {} bytes", where, expected, found));
  };
  if (blob.size() < 8) fail("the size of a trie and a trie", blob.size());
  const std::size_t trie_bytes = little_endian(blob, 0);
  if (trie_bytes % 4 != 0 || trie_bytes < 4 || trie_bytes > blob.size() - 4) {
    fail(fmt::format("a trie of {} bytes", trie_bytes), blob.size() - 4);
  }
  Charsmap map;
  map.units_.reserve(trie_bytes / 4);
  for (std::size_t i = 0; i < trie_bytes; i += 4) {
    map.units_.push_back(little_endian(blob, 4 + i));
  }
  map.strings_ = blob.substr(4 + trie_bytes);
  return map;
}

std::string_view Charsmap::string_at(std::size_t position) const {
  if (position >= strings_.size()) return {};
  const std::string_view rest = std::string_view(strings_).substr(position);
  return rest.substr(0, rest.find('\0'));
}

std::optional<Charsmap::Match> Charsmap::find(std::string_view text, bool longest) const {
  std::optional<Match> found;
  std::size_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit) || node >= units_.size()) continue;
    found = Match{i + 1, string_at(value_of(units_[node]))};
    if (!longest) break;
  }
  return found;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char symbol : text) {
    const int digit = base64_digit(symbol);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> count) & 0xFFU);
  }
  return bytes;
}

}  // namespace kedit::tokenizer
