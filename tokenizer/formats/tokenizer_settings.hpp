#pragma once

#include "json/json.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::tokenizer {

/// What stands beside the vocabulary files of a tokenizer without a tokenizer.json: its
/// tokenizer_config.json, special_tokens_map.json, added_tokens.json and the model's config.json,
/// each of which may be absent. Throws `JsonError` or `TokenizerError` with file and field.
class TokenizerSettings {
 public:
  explicit TokenizerSettings(const std::filesystem::path& directory);

  /// tokenizer_config.json.
  const JsonView& config() const { return config_; }
  bool flag(const char* key, bool otherwise = false) const;
  /// "reading tokenizer_config.json: POINTER", for messages.
  std::string where(std::string_view pointer) const;
  /// The tokenizer's class. Where the settings do not say it, the model's type decides:
  /// `of_family` when it begins with `family`, else `otherwise`.
  std::string class_name(std::string_view family, const char* of_family,
                         const char* otherwise) const;

  /// Tokens that have a role in either file of settings, then `more`.
  std::vector<std::string> special_contents(std::initializer_list<std::string> more) const;
  /// Appends what added_tokens.json lists and `added` lacks; those among `special` are special.
  /// `always_raw`: none of them is looked for in normalized text, otherwise those without a role
  /// are.
  void append_listed_tokens(const std::vector<std::string>& special, bool always_raw,
                            const Vocabulary& vocabulary, AddedTokenList& added) const;
  /// Appends `content` as a special token when the vocabulary has it and `added` lacks it.
  void append_special_token(const std::string& content, const Vocabulary& vocabulary,
                            AddedTokenList& added) const;

 private:
  std::filesystem::path directory_, config_file_;
  Json config_json_;
  JsonView config_;
};

}  // namespace kedit::tokenizer
