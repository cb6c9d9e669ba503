#include "tokenizer/models/word_level_and_piece.hpp"

#include "tokenizer/models/prefix_trie.hpp"
#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_utf8_continuation(c); }));
}

class WordLevelModel final : public TokenModel {
 public:
  WordLevelModel(VocabularyPtr vocabulary, std::optional<std::int64_t> unk_id)
      : vocabulary_(std::move(vocabulary)), unk_id_(unk_id) {}

  void encode(std::string_view piece, ModelScratch&,
              std::vector<TokenSymbol>& symbols) const override {
    const auto known = vocabulary_->id(piece);
    const auto id = known ? known : unk_id_;
    if (!id) {
      throw TokenizerError(
          fmt::format("encoding a text: expected words of the vocabulary, which has no unk_token, "
                      "found \"{}\"",
                      piece.substr(0, 40)));
    }
    symbols.push_back({*id, piece.size()});
  }

 private:
  VocabularyPtr vocabulary_;
  std::optional<std::int64_t> unk_id_;
};

class WordPieceModel final : public TokenModel {
 public:
  WordPieceModel(VocabularyPtr vocabulary, WordPieceOptions options)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
    std::vector<std::pair<std::string_view, std::int32_t>> beginnings, continuations;
    for (std::int64_t id = 0; id < vocabulary_->size(); ++id) {
      std::string_view token = vocabulary_->token(id);
      if (token.empty()) continue;
      beginnings.emplace_back(token, static_cast<std::int32_t>(id));
      if (!token.starts_with(options_.subword_prefix)) continue;
      token.remove_prefix(options_.subword_prefix.size());
      if (!token.empty()) continuations.emplace_back(token, static_cast<std::int32_t>(id));
    }
    beginnings_ = PrefixTrie(std::move(beginnings));
    continuations_ = PrefixTrie(std::move(continuations));
  }

  void encode(std::string_view piece, ModelScratch&,
              std::vector<TokenSymbol>& symbols) const override {
    const std::size_t first = symbols.size();
    bool known = count_characters(piece) <= static_cast<std::size_t>(options_.max_characters);
    for (std::size_t begin = 0; known && begin < piece.size();) {
      TokenSymbol part;
      (begin > 0 ? continuations_ : beginnings_)
          .for_each_prefix(piece.substr(begin), [&](std::size_t bytes, std::int32_t id) {
            part = {id, bytes};
          });
      known = part.bytes > 0;
      if (known) symbols.push_back(part);
      begin += part.bytes;
    }
    if (known) return;
    symbols.resize(first);
    symbols.push_back({options_.unk_id, piece.size()});
  }

 private:
  VocabularyPtr vocabulary_;  // whose tokens the tries were made of
  WordPieceOptions options_;
  PrefixTrie beginnings_, continuations_;
};

class ByteSymbolModel final : public TokenModel {
 public:
  explicit ByteSymbolModel(TokenModelPtr inner) : inner_(std::move(inner)) {}

  std::unique_ptr<ModelScratch> make_scratch() const override { return inner_->make_scratch(); }

  void encode(std::string_view piece, ModelScratch& scratch,
              std::vector<TokenSymbol>& symbols) const override {
    const std::string spelled = to_byte_symbols(piece);
    const std::size_t first = symbols.size();
    inner_->encode(spelled, scratch, symbols);
    std::size_t begin = 0;
    for (std::size_t i = first; i < symbols.size(); ++i) {
      const std::size_t bytes = symbols[i].bytes;
      symbols[i].bytes = count_characters(std::string_view(spelled).substr(begin, bytes));
      begin += bytes;
    }
  }

 private:
  TokenModelPtr inner_;
};

}  // namespace

TokenModelPtr word_level_model(VocabularyPtr vocabulary, std::optional<std::int64_t> unk_id) {
  return std::make_unique<WordLevelModel>(std::move(vocabulary), unk_id);
}

TokenModelPtr word_piece_model(VocabularyPtr vocabulary, WordPieceOptions options) {
  return std::make_unique<WordPieceModel>(std::move(vocabulary), std::move(options));
}

TokenModelPtr byte_symbol_model(TokenModelPtr inner) {
  return std::make_unique<ByteSymbolModel>(std::move(inner));
}

}  // namespace kedit::tokenizer
