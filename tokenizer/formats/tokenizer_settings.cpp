#include "tokenizer/formats/tokenizer_settings.hpp"

#include <fmt/format.h>

#include <set>

namespace kedit::tokenizer {

namespace fs = std::filesystem;

TokenizerSettings::TokenizerSettings(const fs::path& directory)
    : directory_(directory),
      config_file_(directory / "tokenizer_config.json"),
      config_json_(optional_json(config_file_)),
      config_(config_json_, config_file_.string()) {}

bool TokenizerSettings::flag(const char* key, bool otherwise) const {
  const auto field = config_.find(key);
  return field ? field->boolean() : otherwise;
}

std::string TokenizerSettings::where(std::string_view pointer) const {
  return fmt::format("reading {}: {}", config_file_.string(), pointer);
}

std::string TokenizerSettings::class_name(std::string_view family, const char* of_family,
                                          const char* otherwise) const {
  if (const auto name = config_.find("tokenizer_class")) return name->string();
  const fs::path file = directory_ / "config.json";
  const Json config = optional_json(file);
  const auto type = JsonView(config, file.string()).find("model_type");
  return type && type->string().starts_with(family) ? of_family : otherwise;
}

std::vector<std::string> TokenizerSettings::special_contents(
    std::initializer_list<std::string> more) const {
  std::vector<std::string> contents = kedit::tokenizer::special_contents(config_);
  const fs::path file = directory_ / "special_tokens_map.json";
  const Json map = optional_json(file);
  const auto mapped = kedit::tokenizer::special_contents(JsonView(map, file.string()));
  contents.insert(contents.end(), mapped.begin(), mapped.end());
  contents.insert(contents.end(), more);
  return contents;
}

void TokenizerSettings::append_listed_tokens(const std::vector<std::string>& special,
                                             bool always_raw, const Vocabulary& vocabulary,
                                             AddedTokenList& added) const {
  const fs::path file = directory_ / "added_tokens.json";
  const Json json = optional_json(file);
  const JsonView tokens(json, file.string());
  if (!json.is_object()) tokens.fail("an object");
  const std::set<std::string_view> with_role(special.begin(), special.end());
  for (const auto& [content, id] : json.items()) {
    if (added.contains(content)) continue;
    AddedToken token;
    token.content = content;
    if (!id.is_number_integer()) tokens.at(content).fail("an integer");
    token.id = JsonView(id, file.string()).integer();
    token.special = with_role.count(content) > 0;
    token.normalized = !always_raw && !token.special;
    added.append(std::move(token), vocabulary, "reading " + file.string());
  }
}

void TokenizerSettings::append_special_token(const std::string& content,
                                             const Vocabulary& vocabulary,
                                             AddedTokenList& added) const {
  const auto id = vocabulary.id(content);
  if (!id || added.contains(content)) return;
  AddedToken token;
  token.id = *id;
  token.content = content;
  token.normalized = false;
  token.special = true;
  added.append(std::move(token), vocabulary, where(""));
}

}  // namespace kedit::tokenizer
