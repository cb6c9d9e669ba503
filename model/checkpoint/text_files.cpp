#include "model/checkpoint/text_files.hpp"

#include "model/gguf/gguf_file.hpp"
#include "tokenizer/formats/gguf_tokenizer.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace kedit::checkpoint {
namespace {

namespace fs = std::filesystem;

// What the reference library's tokenizers and its generation read.
constexpr std::array<const char*, 10> kFiles = {"tokenizer.json",
                                                "tokenizer_config.json",
                                                "special_tokens_map.json",
                                                "added_tokens.json",
                                                "vocab.json",
                                                "merges.txt",
                                                "tokenizer.model",
                                                "chat_template.jinja",
                                                "chat_template.json",
                                                "generation_config.json"};
constexpr const char* kNamedTemplates = "additional_chat_templates";

// The field as the text part of a model of several parts has it, else the whole model.
Json token_id(const JsonView& config, const char* key) {
  const auto text = config.find("text_config");
  const auto field = text && text->has(key) ? text->find(key) : config.find(key);
  return field ? field->value() : Json(nullptr);
}

}  // namespace

TextFiles text_files_of_directory(const fs::path& directory) {
  TextFiles text;
  for (const char* name : kFiles) {
    if (!fs::exists(directory / name)) continue;
    text.files.emplace_back(name, read_text_file(directory / name));
  }
  if (fs::is_directory(directory / kNamedTemplates)) {
    for (const auto& entry : fs::directory_iterator(directory / kNamedTemplates)) {
      if (entry.path().extension() != ".jinja") continue;
      const fs::path name = fs::path(kNamedTemplates) / entry.path().filename();
      text.files.emplace_back(name.string(), read_text_file(entry.path()));
    }
  }
  const fs::path config_file = directory / "config.json";
  const Json config = read_json(config_file);
  for (const char* key : {"bos_token_id", "pad_token_id"}) {
    text.token_ids[key] = token_id(JsonView(config, config_file.string()), key);
  }
  return text;
}

TextFiles text_files_of_gguf(const fs::path& file) {
  const auto gguf = gguf::GgufFile::open(file);
  const JsonView metadata = gguf.metadata();
  TextFiles text;
  for (const char* role : {"bos", "pad"})
    text.token_ids[fmt::format("{}_token_id", role)] = nullptr;
  if (!tokenizer::has_gguf_tokenizer(metadata)) return text;
  text.files.emplace_back("tokenizer.json", to_text(tokenizer::tokenizer_json_of_gguf(metadata)));
  text.files.emplace_back("tokenizer_config.json",
                          to_text(tokenizer::tokenizer_config_of_gguf(metadata), 2) + "\n");
  for (const auto& [key, name] :
       {std::pair("bos_token_id", "bos_token_id"), {"pad_token_id", "padding_token_id"}}) {
    const auto id = metadata.find(fmt::format("tokenizer.ggml.{}", name));
    if (id) text.token_ids[key] = id->value();
  }
  return text;
}

TextFiles text_files_of(const fs::path& model) {
  if (model.empty()) return {};
  return gguf::is_gguf(model) ? text_files_of_gguf(model) : text_files_of_directory(model);
}

}  // namespace kedit::checkpoint
