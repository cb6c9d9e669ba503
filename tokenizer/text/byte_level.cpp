#include "tokenizer/text/byte_level.hpp"

#include "tokenizer/text/utf8.hpp"

#include <array>

namespace kedit::tokenizer {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr char32_t kFirstForeign = 0x100;
constexpr std::size_t kSymbolEnd = 0x100 + 68;

constexpr std::array<char32_t, 256> symbols_of_bytes() {
  std::array<char32_t, 256> symbols{};
  char32_t next = kFirstForeign;
  for (unsigned byte = 0; byte < 256; ++byte) {
    symbols[byte] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return symbols;
}

constexpr std::array<std::int16_t, kSymbolEnd> bytes_of_symbols() {
  std::array<std::int16_t, kSymbolEnd> bytes{};
  for (auto& byte : bytes) byte = -1;
  const auto symbols = symbols_of_bytes();
  for (unsigned byte = 0; byte < 256; ++byte) {
    bytes[symbols[byte]] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr auto kSymbols = symbols_of_bytes();
constexpr auto kBytes = bytes_of_symbols();

}  // namespace

char32_t byte_symbol(std::uint8_t byte) { return kSymbols[byte]; }

std::string to_byte_symbols(std::string_view bytes) {
  std::string token;
  token.reserve(bytes.size() + bytes.size() / 2);
  for (const char byte : bytes) append_utf8(token, kSymbols[static_cast<std::uint8_t>(byte)]);
  return token;
}

std::optional<std::string> from_byte_symbols(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (std::size_t position = 0; position < token.size();) {
    const CodePoint symbol = code_point_at(token, position);
    if (symbol.value >= kSymbolEnd || kBytes[symbol.value] < 0) return std::nullopt;
    bytes += static_cast<char>(kBytes[symbol.value]);
    position += symbol.bytes;
  }
  return bytes;
}

}  // namespace kedit::tokenizer
