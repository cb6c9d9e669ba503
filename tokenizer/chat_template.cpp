#include "tokenizer/chat_template.hpp"

#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace kedit {
namespace {

namespace fs = std::filesystem;

void add_special_tokens(const JsonView& config, jinja::Dict& tokens) {
  for (const char* role : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                           "cls_token", "mask_token"}) {
    const auto field = config.find(role);
    if (field && tokens.find(role) == nullptr)
      tokens.set(role, jinja::Value::of(token_content(*field)));
  }
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

// Today, as some templates write it into the system message.
jinja::Value date_text(const jinja::Arguments& arguments) {
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
  const fs::path map_file = directory / "special_tokens_map.json";
  const Json map_json = optional_json(map_file);
  jinja::Dict tokens;
  add_special_tokens(config, tokens);
  add_special_tokens(JsonView(map_json, map_file.string()), tokens);
  const fs::path own_file = directory / "chat_template.jinja";
  if (fs::exists(own_file)) {
    return ChatTemplate::parse(read_text_file(own_file), own_file.string(), std::move(tokens));
  }
  const auto source = configured_template(config);
  if (!source) return std::nullopt;
  return ChatTemplate::parse(*source, config_file.string() + ": /chat_template", std::move(tokens));
}

}  // namespace

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

}  // namespace kedit
