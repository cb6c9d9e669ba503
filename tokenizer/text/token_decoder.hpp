#pragma once

#include "tokenizer/text/split_pattern.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

/// One step from the spellings of tokens to the text; the text is what the last step leaves, put
/// together. Immutable.
class TokenDecoder {
 public:
  TokenDecoder() = default;
  virtual ~TokenDecoder() = default;
  TokenDecoder(const TokenDecoder&) = delete;
  TokenDecoder& operator=(const TokenDecoder&) = delete;

  /// What a step looks at. `token`: each token by itself, and whether it is the first or the last.
  /// `spelling`: the same, and puts neighbours together. `join`: only puts them together. `start`:
  /// the front of what it gets. `text`: anything.
  enum class Reach { token, spelling, join, start, text };

  virtual void apply(std::vector<std::string>& tokens) const = 0;
  virtual Reach reach() const = 0;
};

using TokenDecoderPtr = std::unique_ptr<const TokenDecoder>;

/// GPT-2's alphabet back to bytes; what is not UTF-8 then becomes U+FFFD. Leaves one string.
TokenDecoderPtr byte_level_decoder();
/// "<0xHH>" back to bytes, neighbours together; those that are no UTF-8 become U+FFFD each.
TokenDecoderPtr byte_fallback_decoder();
/// `mark` becomes a blank; in the first token it vanishes if `drop_first`.
TokenDecoderPtr metaspace_decoder(std::string mark, bool drop_first);
/// Puts the tokens together.
TokenDecoderPtr fuse_decoder();
/// Up to `start` characters `content` go from the front of each token, up to `stop` from its end.
TokenDecoderPtr strip_decoder(std::string content, std::size_t start, std::size_t stop);
TokenDecoderPtr replace_literal_decoder(std::string literal, std::string content);
TokenDecoderPtr replace_pattern_decoder(SplitPattern pattern, std::string content);
/// Tokens with `prefix` join the one before, others follow a blank; `cleanup`: English punctuation
/// loses the blank before it.
TokenDecoderPtr word_piece_decoder(std::string prefix, bool cleanup);
/// `suffix` becomes a blank, at the last token nothing.
TokenDecoderPtr word_suffix_decoder(std::string suffix);
/// A blank between tokens: what the reference library does without a decoder.
TokenDecoderPtr join_decoder();

/// True if the end of a text depends on its last tokens alone: nothing but its front is changed
/// once tokens have been put together.
bool decode_in_parts(const std::vector<TokenDecoderPtr>& steps);

/// Every `from` in `text` becomes `to`.
void replace_all(std::string& text, std::string_view from, std::string_view to);

}  // namespace kedit::tokenizer
