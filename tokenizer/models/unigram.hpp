#pragma once

#include "tokenizer/models/prefix_trie.hpp"
#include "tokenizer/models/token_model.hpp"

#include <array>
#include <optional>
#include <vector>

namespace kedit::tokenizer {

/// The unigram language model of Kudo (2018): of all ways to take a piece apart, the one whose
/// tokens have the largest sum of scores (Viterbi).
class UnigramModel final : public TokenModel {
 public:
  struct Options {
    std::optional<std::int64_t> unk_id;  ///< Absent: an unknown character is an error.
    bool byte_fallback = false;          ///< Unknown characters become "<0xHH>" tokens.
    bool single_precision = false;       ///< Sums in float, as SentencePiece has them, else double.
  };
  /// A string that is sought in pieces.
  struct Entry {
    std::int64_t id;
    double score;
  };

  /// `entries` are tokens of the vocabulary. An unknown character costs 10 more than the least
  /// `min_score`.
  UnigramModel(VocabularyPtr vocabulary, std::vector<Entry> entries, double min_score,
               Options options);

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void encode(std::string_view piece, ModelScratch& scratch,
              std::vector<TokenSymbol>& symbols) const override;

 private:
  class Scratch;
  struct Step;

  template <typename Score>
  void find_best(std::string_view piece, std::vector<Step>& best) const;
  void append(std::string_view token, std::int64_t id, std::vector<TokenSymbol>& symbols) const;
  void append_unknown(std::string_view part, std::vector<TokenSymbol>& symbols) const;

  VocabularyPtr vocabulary_;
  std::vector<Entry> entries_;
  double unk_score_;
  Options options_;
  PrefixTrie trie_;
  std::array<std::int64_t, 256> fallback_ids_;
};

}  // namespace kedit::tokenizer
