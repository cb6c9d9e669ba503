#pragma once

#include "model/added_tokens.hpp"
#include "model/bpe.hpp"
#include "model/normalizer.hpp"
#include "model/split_pattern.hpp"
#include "model/tokenizer.hpp"
#include "model/vocabulary.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace kedit {

/// One pre-tokenization step: every piece so far is split once more.
struct SplitStep {
  SplitPattern pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;
};

/// What a byte-level BPE tokenizer consists of; the readers of file formats fill it.
struct ByteLevelParts {
  Vocabulary vocabulary;  ///< Of the model, without added tokens that it lacks.
  BpeModel::Options bpe;
  std::vector<AddedToken> added;  ///< Distinct contents.
  bool nfc = false;               ///< Compose the text first.
  bool prefix_space = false;      ///< A blank before every stretch of text.
  std::vector<SplitStep> splits;
  std::vector<std::int64_t> template_before, template_after;  ///< Ids around every text.
};

/// Byte-level BPE: added tokens, NFC, splitting by patterns, bytes as symbols, merges.
class ByteLevelTokenizer final : public Tokenizer {
 public:
  struct Merge {
    std::int64_t left, right, merged;
  };
  ByteLevelTokenizer(ByteLevelParts parts, const std::vector<Merge>& merges);

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(const std::vector<std::int64_t>& ids, bool skip_special_tokens) const override;
  std::int64_t vocab_size() const override;
  std::string token(std::int64_t id) const override;
  std::optional<std::int64_t> id(std::string_view token) const override;
  bool is_special(std::int64_t id) const override;
  std::string kind() const override { return "byte-level BPE"; }

 private:
  struct Scratch {
    SplitScratch split;
    BpeScratch bpe;
    std::vector<TextRange> pieces, finer;
    std::vector<BpeSymbol> symbols;
  };
  class Lease;  // a scratch taken from the pool for one call

  void encode_section(const AlignedText& section, Scratch& scratch, Encoding& encoding) const;
  void encode_original(std::string_view part, std::size_t begin, bool split_special,
                       Scratch& scratch, Encoding& encoding) const;
  const std::string& spelling(std::int64_t id) const;

  ByteLevelParts parts_;
  BpeModel bpe_;
  Vocabulary added_;  // all added tokens, those of the model too
  std::vector<bool> special_;
  AddedTokenMatcher in_original_, in_normalized_;
  mutable std::mutex pool_mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> pool_;  // one for each caller at a time
};

}  // namespace kedit
