#pragma once

#include "json/json.hpp"
#include "model/byte_level_tokenizer.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit {

/// A tokenizer from the contents of a `tokenizer.json`. Throws `ModelError` with file and field for
/// damage and for kinds that are not supported.
std::shared_ptr<const Tokenizer> tokenizer_from_json(const Json& document,
                                                     const std::string& origin);

/// Reads `vocab.json` and `merges.txt` with what stands in `tokenizer_config.json`,
/// `special_tokens_map.json` and `added_tokens.json` of the directory.
std::shared_ptr<const Tokenizer> tokenizer_from_vocab_files(const std::filesystem::path& directory);

/// The {"token": id} object of a vocabulary.
Vocabulary read_vocabulary(const JsonView& field);

/// Ids of a merge of two tokens; nothing when the vocabulary lacks one of them or what they make.
std::optional<ByteLevelTokenizer::Merge> find_merge(const Vocabulary& vocabulary,
                                                    std::string_view left, std::string_view right);

/// Throws `ModelError`: a merge of tokens that the vocabulary lacks.
[[noreturn]] void fail_merge(const std::string& where, std::string_view left,
                             std::string_view right);

/// Parts of a merge written as "left right"; empty parts when it is not two words.
std::pair<std::string_view, std::string_view> split_merge(std::string_view line);

/// Checks an added token against the vocabulary and those before it, then appends it.
void append_added_token(AddedToken token, const Vocabulary& vocabulary, const std::string& where,
                        std::vector<AddedToken>& added);

/// A token described by an object with content, lstrip, rstrip, single_word, normalized, special.
AddedToken read_added_token(const JsonView& field, std::int64_t id);

}  // namespace kedit
