#pragma once

#include "tokenizer/models/bpe_merges.hpp"
#include "tokenizer/models/token_model.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// Byte-pair encoding (Sennrich et al. 2016), over bytes (Radford et al. 2019) or over characters:
/// a piece starts as those, and the pair of lowest rank is merged until no pair has one.
class BpeModel final : public TokenModel {
 public:
  struct Options {
    std::optional<std::int64_t> unk_id;  ///< For symbols that no token spells; absent: they vanish.
    bool fuse_unk = false;               ///< Neighbouring unknown symbols make one token.
    bool ignore_merges = false;          ///< A piece that is a token is not taken apart.
    bool byte_level = false;             ///< Symbols are bytes, spelled in GPT-2's alphabet.
    bool byte_fallback = false;  ///< Unknown characters become "<0xHH>" tokens, if all are there.
    std::string subword_prefix;  ///< Before every character of a piece but the first.
    std::string word_suffix;     ///< After the last character of a piece.
  };

  BpeModel(VocabularyPtr vocabulary, Options options);

  void reserve_merges(std::size_t merges) { merges_.reserve(merges); }
  /// The next merge in order of rank.
  void add_merge(std::int64_t left, std::int64_t right, std::int64_t merged);

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void encode(std::string_view piece, ModelScratch& scratch,
              std::vector<TokenSymbol>& symbols) const override;

 private:
  class Scratch;

  void take_apart(std::string_view piece, BpeMerges::Scratch& scratch) const;
  void take_bytes(std::string_view piece, BpeMerges::Scratch& scratch) const;
  void take_characters(std::string_view piece, BpeMerges::Scratch& scratch) const;
  std::optional<std::int64_t> character_id(std::string_view piece, std::size_t begin,
                                           std::size_t end) const;
  bool append_fallback(std::string_view bytes, BpeMerges::Scratch& scratch) const;
  void encode_anew(std::string_view piece, BpeMerges::Scratch& scratch,
                   std::vector<TokenSymbol>& symbols) const;

  VocabularyPtr vocabulary_;
  Options options_;
  std::array<std::int64_t, 256> byte_ids_{};      // byte level: -1 where no token spells the byte
  std::array<std::int64_t, 256> fallback_ids_{};  // "<0xHH>", -1 where there is none
  std::vector<std::int32_t> character_ids_;       // of the characters below U+10000, -1: none
  BpeMerges merges_;
  std::uint32_t next_rank_ = 0;
};

/// Ids of "<0x00>" to "<0xFF>", -1 where the vocabulary lacks one.
std::array<std::int64_t, 256> byte_fallback_ids(const Vocabulary& vocabulary);

}  // namespace kedit::tokenizer
