#include "tokenizer/chat_template.hpp"

#include "tokenizer/formats/special_roles.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace kedit::tokenizer {
namespace {

namespace fs = std::filesystem;

// As names in a template: only those that the files or the tokenizer's class give a token.
jinja::Dict names_of(const SpecialRoles& roles) {
  jinja::Dict names;
  const auto text = [](const NamedToken& named) { return jinja::Value::of(named.token.content); };
  for (const auto& [role, named] : roles.single) {
    if (!named.token.content.empty()) names.set(role, text(named));
  }
  jinja::List additional;
  for (const NamedToken& named : roles.additional) additional.push_back(text(named));
  if (!additional.empty()) {
    names.set("additional_special_tokens", jinja::Value::of(std::move(additional)));
  }
  return names;
}

// A string, or a list of named ones of which the default counts.
std::optional<std::string> configured_template(const JsonView& config) {
  const auto field = config.find("chat_template");
  if (!field) return std::nullopt;
  if (!field->value().is_array()) return field->string();
  for (std::size_t i = 0; i < field->size(); ++i) {
    if (field->at(i).at("name").string() == "default") return field->at(i).at("template").string();
  }
  field->fail("a template with the name default");
}

// Templates of other names in files take the place of the settings' one, and none is the default.
void refuse_named_files(const fs::path& directory) {
  if (!fs::is_directory(directory)) return;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".jinja") continue;
    throw TokenizerError(
        fmt::format("reading the chat template: expected chat_template.jinja beside {}, found none",
                    directory.string()));
  }
}

// Today, as some templates write it into the system message.
jinja::Value date_text(const jinja::Arguments& arguments) {
  arguments.check("strftime_now", "format");
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 256> text{};
  const std::string format = arguments.get(0, "format").text();
  const std::size_t size = std::strftime(text.data(), text.size(), format.c_str(), &parts);
  return jinja::Value::of(std::string(text.data(), size));
}

std::optional<ChatTemplate> load_template(const fs::path& directory) {
  const fs::path config_file = directory / "tokenizer_config.json";
  const Json config_json = optional_json(config_file);
  const JsonView config(config_json, config_file.string());
  const TokenizerClass kind = tokenizer_class_of(directory, config);
  jinja::Dict tokens = names_of(read_special_roles(directory, config, kind));
  const fs::path own_file = directory / "chat_template.jinja";
  if (fs::exists(own_file)) {
    return ChatTemplate::parse(read_text_file(own_file), own_file.string(), std::move(tokens));
  }
  refuse_named_files(directory / "additional_chat_templates");
  const auto source = configured_template(config);
  if (!source) return std::nullopt;
  return ChatTemplate::parse(*source, config_file.string() + ": /chat_template", std::move(tokens));
}

}  // namespace

std::optional<ChatTemplate> ChatTemplate::of_settings(const JsonView& tokenizer_config) {
  const auto source = configured_template(tokenizer_config);
  if (!source) return std::nullopt;
  jinja::Dict tokens;
  for (const char* role : {"bos_token", "eos_token", "unk_token", "pad_token"}) {
    const auto token = tokenizer_config.find(role);
    if (token) tokens.set(role, jinja::Value::of(token_content(*token)));
  }
  return ChatTemplate::parse(*source, tokenizer_config.origin() + ": /chat_template",
                             std::move(tokens));
}

std::optional<ChatTemplate> ChatTemplate::load(const fs::path& directory) {
  try {
    return load_template(directory);
  } catch (const JsonError& error) {
    throw TokenizerError(error.what());
  }
}

ChatTemplate ChatTemplate::parse(const std::string& source, const std::string& origin,
                                 jinja::Dict special_tokens) {
  try {
    return {origin, jinja::Template(source), std::move(special_tokens)};
  } catch (const jinja::TemplateError& error) {
    throw TokenizerError(fmt::format("reading the chat template {}: {}", origin, error.what()));
  }
}

std::string ChatTemplate::render(const Json& messages, bool add_generation_prompt) const {
  jinja::Dict names;
  names.items = special_tokens_.items;
  names.set("add_generation_prompt", jinja::Value::of(add_generation_prompt));
  names.set("tools", jinja::Value::none());
  names.set("documents", jinja::Value::none());
  names.set("strftime_now", jinja::Value::of(jinja::Function(date_text)));
  try {
    names.set("messages", jinja::Value::from_json(messages));
    return template_.render(names);
  } catch (const jinja::TemplateError& error) {
    throw TokenizerError(fmt::format("applying the chat template {}: {}", origin_, error.what()));
  }
}

}  // namespace kedit::tokenizer
