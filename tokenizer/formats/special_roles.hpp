#pragma once

#include "json/json.hpp"
#include "tokenizer/added_tokens.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// A token as the files beside a tokenizer.json write it: its text alone, or an object with flags.
struct NamedToken {
  AddedToken token;
  bool object = false;                   ///< With flags; else only the content counts.
  std::optional<bool> normalized_given;  ///< Else it is whatever `special` is not.
};

/// The tokens that have a role in a directory's tokenizer, as transformers 4.57.1 finds them: those
/// of tokenizer_config.json, over them those of special_tokens_map.json unless the former has an
/// added_tokens_decoder, under them the defaults of the tokenizer's class.
struct SpecialRoles {
  /// "bos_token" to "mask_token" in the library's order, then those of extra_special_tokens.
  std::vector<std::pair<std::string, NamedToken>> single;
  std::vector<NamedToken> additional;  ///< additional_special_tokens

  const NamedToken* find(std::string_view role) const;
};

/// Whether every tokenizer class of the library knows the role ("bos_token" to "mask_token").
bool is_common_role(std::string_view role);

/// What a tokenizer class of the library does that its files do not say.
struct TokenizerClass {
  std::string name;  ///< Without "Fast"; empty when nothing says it.
  std::vector<std::pair<std::string, std::string>> roles;  ///< Default tokens.
  bool roles_are_objects = false;   ///< The class writes flags to tokens given as texts.
  bool own_template = false;        ///< It writes the template of every text itself.
  bool adds_bos = false;            ///< add_bos_token where the settings do not say it.
  bool keeps_prefix_space = false;  ///< add_prefix_space stays unless the settings say it.
  bool bert = false;  ///< It writes its settings of letters and accents into the normalizer.
};

/// The default tokens of BertTokenizer.
std::vector<std::pair<std::string, std::string>> bert_roles();

/// The class that tokenizer_config.json names, else the one of config.json's model_type.
TokenizerClass tokenizer_class_of(const std::filesystem::path& directory, const JsonView& config);

/// Throws `JsonError` or `TokenizerError` with file and field.
SpecialRoles read_special_roles(const std::filesystem::path& directory, const JsonView& config,
                                const TokenizerClass& kind);

/// A tokenizer.json's document as the library's tokenizer class changes it by the files beside it:
/// added tokens, the template of every text, the blank before a text. Without such files it stays.
Json with_files_beside(Json document, const std::filesystem::path& directory);

}  // namespace kedit::tokenizer
