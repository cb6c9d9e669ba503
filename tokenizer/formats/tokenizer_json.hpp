#pragma once

#include "json/json.hpp"
#include "tokenizer/pipeline_tokenizer.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// A tokenizer from the contents of a `tokenizer.json`. Throws `TokenizerError` with file and field
/// for damage and for kinds that are not supported.
std::shared_ptr<const Tokenizer> tokenizer_from_json(const Json& document,
                                                     const std::string& origin);

/// Reads `vocab.json` and `merges.txt` with what stands in `tokenizer_config.json`,
/// `special_tokens_map.json` and `added_tokens.json` of the directory.
std::shared_ptr<const Tokenizer> tokenizer_from_vocab_files(const std::filesystem::path& directory);

/// Reads a SentencePiece `tokenizer.model` with what stands in `tokenizer_config.json`,
/// `special_tokens_map.json` and `added_tokens.json` beside it.
std::shared_ptr<const Tokenizer> tokenizer_from_sentencepiece(
    const std::filesystem::path& directory);

/// The {"token": id} object of a vocabulary.
Vocabulary read_vocabulary(const JsonView& field);

/// Ids of two tokens and of what they make.
struct Merge {
  std::int64_t left, right, merged;
};

/// A merge of two tokens, the second without its first `prefix_bytes` in the result; nothing when
/// the vocabulary lacks one of them or what they make.
std::optional<Merge> find_merge(const Vocabulary& vocabulary, std::string_view left,
                                std::string_view right, std::size_t prefix_bytes = 0);

/// Throws `TokenizerError`: a merge of tokens that the vocabulary lacks.
[[noreturn]] void fail_merge(const std::string& where, std::string_view left,
                             std::string_view right);

/// Parts of a merge written as "left right"; empty parts when it is not two words.
std::pair<std::string_view, std::string_view> split_merge(std::string_view line);

/// Added tokens with distinct contents and ids.
struct AddedTokenList {
  std::vector<AddedToken> tokens;
  Vocabulary seen;  ///< The same tokens, to be found.

  bool contains(std::string_view content) const { return seen.id(content).has_value(); }
  /// Checks an added token against the vocabulary and those before it, then appends it.
  void append(AddedToken token, const Vocabulary& vocabulary, const std::string& where);
};

/// A token described by an object with content, lstrip, rstrip, single_word, normalized, special.
AddedToken read_added_token(const JsonView& field, std::int64_t id);

/// Added tokens of the `added_tokens_decoder` of a tokenizer_config.json.
void read_added_tokens_decoder(const JsonView& config, const Vocabulary& vocabulary,
                               AddedTokenList& added);

/// bos_token and the like are strings, or objects with a content.
std::string token_content(const JsonView& field);

/// The tokens that have a role in a tokenizer_config.json or special_tokens_map.json.
std::vector<std::string> special_contents(const JsonView& config);

/// An optional JSON object beside a vocabulary; an empty one when the file is not there.
Json optional_json(const std::filesystem::path& file);

}  // namespace kedit::tokenizer
