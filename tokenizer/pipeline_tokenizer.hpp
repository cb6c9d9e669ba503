#pragma once

#include "tokenizer/added_tokens.hpp"
#include "tokenizer/models/token_model.hpp"
#include "tokenizer/text/normalizer.hpp"
#include "tokenizer/text/pre_tokenizer.hpp"
#include "tokenizer/text/token_decoder.hpp"
#include "tokenizer/tokenizer.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kedit::tokenizer {

/// What a tokenizer consists of, in the order of use; the readers of file formats fill it.
struct TokenizerParts {
  VocabularyPtr vocabulary;       ///< Of the model, without added tokens that it lacks.
  std::vector<AddedToken> added;  ///< Distinct contents.
  std::vector<NormalizerPtr> normalizers;
  std::vector<PreTokenizerPtr> pre_tokenizers;
  TokenModelPtr model;
  std::vector<std::int64_t> template_before, template_after;  ///< Ids around every text.
  std::vector<TokenDecoderPtr> decoders;
  std::string kind;  ///< "byte-level BPE", ...
};

/// The pipeline of the reference library: added tokens are found in the text, what lies between is
/// normalised, searched for added tokens again, taken apart, and encoded piece by piece.
class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts);

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(const std::vector<std::int64_t>& ids, bool skip_special_tokens) const override;
  bool decodes_in_parts() const override { return decode_in_parts(parts_.decoders); }
  std::int64_t vocab_size() const override;
  std::string token(std::int64_t id) const override;
  std::optional<std::int64_t> id(std::string_view token) const override;
  bool is_special(std::int64_t id) const override;
  std::string kind() const override { return parts_.kind; }

 private:
  struct Scratch {
    SplitScratch split;
    std::unique_ptr<ModelScratch> model;
    std::vector<TokenSymbol> symbols;
  };
  class Lease;  // a scratch taken from the pool for one call

  void encode_section(AlignedText section, Scratch& scratch, Encoding& encoding) const;
  void encode_original(std::string_view part, std::size_t begin, bool split_special,
                       Scratch& scratch, Encoding& encoding) const;
  std::string normalized(std::string_view text, SplitScratch& scratch) const;
  const std::string& spelling(std::int64_t id) const;

  TokenizerParts parts_;
  Vocabulary added_;  // all added tokens, those of the model too
  std::vector<bool> special_;
  AddedTokenMatcher in_original_, in_normalized_;
  mutable std::mutex pool_mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> pool_;  // one for each caller at a time
};

}  // namespace kedit::tokenizer
