#pragma once

#include "tokenizer/text/aligned_text.hpp"
#include "tokenizer/text/charsmap.hpp"
#include "tokenizer/text/split_pattern.hpp"
#include "tokenizer/text/unicode_form.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kedit::tokenizer {

/// One step that changes a text before it is taken apart. Immutable; threads bring their own
/// scratch.
class Normalizer {
 public:
  Normalizer() = default;
  virtual ~Normalizer() = default;
  Normalizer(const Normalizer&) = delete;
  Normalizer& operator=(const Normalizer&) = delete;

  virtual void apply(AlignedText& text, SplitScratch& scratch) const = 0;
};

using NormalizerPtr = std::unique_ptr<const Normalizer>;

/// What BertNormalizer does, each step on request.
struct BertCleaning {
  bool clean_text = true;            ///< Control characters vanish, white space becomes a blank.
  bool handle_chinese_chars = true;  ///< A blank before and after each ideograph.
  bool strip_accents = true;
  bool lowercase = true;
};

NormalizerPtr unicode_normalizer(UnicodeForm form);
/// Each character by itself (no final sigma).
NormalizerPtr lowercase_normalizer();
/// White space at the ends goes.
NormalizerPtr strip_normalizer(bool left, bool right);
/// Combining marks go. Composed letters stay: NFD comes first where they should not.
NormalizerPtr strip_accents_normalizer();
/// SentencePiece's "nmt" rules: some control characters go, odd white space becomes a blank.
NormalizerPtr nmt_normalizer();
/// `prefix` before every text that is not empty.
NormalizerPtr prepend_normalizer(std::string prefix);
NormalizerPtr replace_literal_normalizer(std::string literal, std::string content);
NormalizerPtr replace_pattern_normalizer(SplitPattern pattern, std::string content);
/// By grapheme, then by character, the shortest match wins: as the reference library reads the map.
NormalizerPtr charsmap_normalizer(Charsmap map);
/// Appends the steps of a BertNormalizer.
void append_bert_normalizers(const BertCleaning& cleaning, std::vector<NormalizerPtr>& steps);

}  // namespace kedit::tokenizer
