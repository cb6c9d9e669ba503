#include "json/short_name.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

namespace kedit::tokenizer {
namespace {

constexpr std::array<const char*, 7> kSpecialRoles = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

}  // namespace

AddedToken read_added_token(const JsonView& field, std::int64_t id) {
  using tokenizer::flag;
  AddedToken token;
  token.id = id;
  token.content = field.at("content").string();
  token.single_word = flag(field, "single_word", false);
  token.lstrip = flag(field, "lstrip", false);
  token.rstrip = flag(field, "rstrip", false);
  token.special = flag(field, "special", false);
  token.normalized = flag(field, "normalized", !token.special);
  return token;
}

void AddedTokenList::append(AddedToken token, const Vocabulary& vocabulary,
                            const std::string& where) {
  const auto fail = [&](std::string_view expected, std::int64_t found) {
    throw TokenizerError(fmt::format("{}: expected {}, found the id {} for the added token \"{}\"",
                                     where, expected, found, short_name(token.content)));
  };
  if (token.content.empty()) {
    throw TokenizerError(fmt::format("{}: expected an added token, found an empty one", where));
  }
  if (token.id < 0 || token.id > Vocabulary::kMaxId) {
    fail(fmt::format("an id from 0 to {}", Vocabulary::kMaxId), token.id);
  }
  const auto in_vocabulary = vocabulary.id(token.content);
  if (in_vocabulary && *in_vocabulary != token.id) {
    fail(fmt::format("{}, its id in the vocabulary", *in_vocabulary), token.id);
  }
  if (!in_vocabulary && vocabulary.contains(token.id)) fail("a free id", token.id);
  if (!seen.add(token.content, token.id)) {
    fail("tokens and ids that differ from those before", token.id);
  }
  tokens.push_back(std::move(token));
}

void read_added_tokens_decoder(const JsonView& config, const Vocabulary& vocabulary,
                               AddedTokenList& added) {
  const auto tokens = config.find("added_tokens_decoder");
  if (!tokens) return;
  if (!tokens->value().is_object()) tokens->fail("an object");
  for (const auto& [key, value] : tokens->value().items()) {
    const bool number =
        !key.empty() && key.size() <= 9 && key.find_first_not_of("0123456789") == std::string::npos;
    if (!number) tokens->at(key).fail("an id as the key");
    const JsonView field(value, tokens->origin(), tokens->pointer() + "/" + short_name(key));
    added.append(read_added_token(field, std::stoll(key)), vocabulary, tokenizer::where_of(field));
  }
}

std::string token_content(const JsonView& field) {
  return field.value().is_object() ? field.at("content").string() : field.string();
}

std::vector<std::string> special_contents(const JsonView& config) {
  std::vector<std::string> contents;
  for (const char* role : kSpecialRoles) {
    if (const auto field = config.find(role)) contents.push_back(token_content(*field));
  }
  if (const auto more = config.find("additional_special_tokens")) {
    for (std::size_t i = 0; i < more->size(); ++i) contents.push_back(token_content(more->at(i)));
  }
  return contents;
}

Json optional_json(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Json::object();
  return read_json(file);
}

}  // namespace kedit::tokenizer
