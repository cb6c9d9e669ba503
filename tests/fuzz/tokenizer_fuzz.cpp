// A tokenizer.json, a zero byte, a text: a TokenizerError, or tokens whose ranges lie within the
// text, at character borders, and whose ids the tokenizer knows.
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

bool between_characters(std::string_view text, std::size_t at) {
  return at == text.size() ||
         (at < text.size() && !kedit::tokenizer::is_utf8_continuation(text[at]));
}

void try_text(const kedit::Tokenizer& tokenizer, std::string_view text, bool split_special) {
  const kedit::Encoding encoding = tokenizer.encode(text, {true, split_special});
  if (encoding.ids.size() != encoding.offsets.size()) std::abort();
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    if (begin > end || !between_characters(text, begin) || !between_characters(text, end)) {
      std::abort();
    }
    if (encoding.ids[i] < 0 || encoding.ids[i] >= tokenizer.vocab_size()) std::abort();
  }
  if (kedit::tokenizer::first_invalid_utf8(tokenizer.decode(encoding.ids, split_special)))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLongestText = 4096;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(bytes.find('\0'), size);
  const std::string_view text = end < size ? bytes.substr(end + 1, kLongestText) : "a text";
  try {
    const auto tokenizer = kedit::Tokenizer::parse(bytes.substr(0, end), "input");
    try_text(*tokenizer, text, false);
    try_text(*tokenizer, text, true);
  } catch (const kedit::TokenizerError&) {
    return 0;
  }
  return 0;
}
