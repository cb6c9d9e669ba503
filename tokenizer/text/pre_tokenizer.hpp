#pragma once

#include "tokenizer/text/aligned_text.hpp"
#include "tokenizer/text/split_pattern.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kedit::tokenizer {

/// A text and the pieces it has been taken apart into so far: ranges of it, in order.
struct TextPieces {
  explicit TextPieces(AlignedText whole) : text(std::move(whole)) {
    if (!text.text().empty()) pieces.emplace_back(0, text.text().size());
  }
  AlignedText text;
  std::vector<TextRange> pieces;
};

/// One step that takes pieces apart or changes their beginnings. Immutable; threads bring their own
/// scratch.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  virtual ~PreTokenizer() = default;
  PreTokenizer(const PreTokenizer&) = delete;
  PreTokenizer& operator=(const PreTokenizer&) = delete;

  virtual void apply(TextPieces& pieces, SplitScratch& scratch) const = 0;
};

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

/// Where a Metaspace puts its mark before a piece that lacks one.
enum class PrependScheme { always, first, never };

/// Every piece is split by a pattern; `invert`: what the pattern does not match is the match.
PreTokenizerPtr split_pre_tokenizer(SplitPattern pattern, SplitBehavior behavior, bool invert);
/// A blank before every piece that does not start with one.
PreTokenizerPtr prefix_space_pre_tokenizer();
/// Blanks become `mark`, and pieces get one in front; `first`: only where the original text starts.
PreTokenizerPtr metaspace_pre_tokenizer(std::string mark, PrependScheme scheme);

}  // namespace kedit::tokenizer
