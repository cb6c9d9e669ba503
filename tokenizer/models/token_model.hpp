#pragma once

#include "tokenizer/models/vocabulary.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

/// One token of a piece of text and how many bytes of it the token covers.
struct TokenSymbol {
  std::int64_t id = 0;
  std::size_t bytes = 0;
};

/// What one thread needs for `TokenModel::encode`; each model has its own kind.
class ModelScratch {
 public:
  ModelScratch() = default;
  virtual ~ModelScratch() = default;
  ModelScratch(const ModelScratch&) = delete;
  ModelScratch& operator=(const ModelScratch&) = delete;
};

/// Turns a piece of text into tokens. Immutable; threads bring their own scratch.
class TokenModel {
 public:
  TokenModel() = default;
  virtual ~TokenModel() = default;
  TokenModel(const TokenModel&) = delete;
  TokenModel& operator=(const TokenModel&) = delete;

  virtual std::unique_ptr<ModelScratch> make_scratch() const {
    return std::make_unique<ModelScratch>();
  }
  /// Appends the tokens of `piece` (well-formed UTF-8, not empty), in order. `scratch` comes from
  /// `make_scratch`. Throws `TokenizerError` when the model has no token for a part of it.
  virtual void encode(std::string_view piece, ModelScratch& scratch,
                      std::vector<TokenSymbol>& symbols) const = 0;
};

using TokenModelPtr = std::unique_ptr<const TokenModel>;
using VocabularyPtr = std::shared_ptr<const Vocabulary>;

}  // namespace kedit::tokenizer
