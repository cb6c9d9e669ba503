#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// GPT-2's printable alphabet for bytes: 33-126, 161-172 and 174-255 stand for themselves, the
/// other 68 bytes are U+0100, U+0101, ... in order (so a blank is "Ġ"). Vocabularies of byte-level
/// BPE are spelled in it.
char32_t byte_symbol(std::uint8_t byte);

/// Every byte as its symbol, in UTF-8.
std::string to_byte_symbols(std::string_view bytes);

/// The bytes that a token spells; nothing when it holds a character outside the alphabet.
std::optional<std::string> from_byte_symbols(std::string_view token);

/// The splitting pattern of GPT-2 (its ByteLevel pre-tokenizer with use_regex).
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// The splitting pattern of Llama 3 (that of OpenAI's cl100k).
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The splitting pattern of Qwen2.
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

}  // namespace kedit::tokenizer
