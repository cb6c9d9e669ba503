#include "model/gguf/text_side.hpp"

#include "tokenizer/formats/gguf_tokenizer.hpp"
#include "tokenizer/tokenizer_error.hpp"

namespace kedit::gguf {

std::shared_ptr<const Tokenizer> load_tokenizer(const GgufFile& file) try {
  const JsonView metadata = file.metadata();
  if (!tokenizer::has_gguf_tokenizer(metadata)) return nullptr;
  return Tokenizer::from_document(tokenizer::tokenizer_json_of_gguf(metadata),
                                  file.path().string());
} catch (const JsonError& error) {
  throw TokenizerError(error.what());
}

std::optional<tokenizer::ChatTemplate> load_chat_template(const GgufFile& file) try {
  const JsonView metadata = file.metadata();
  if (!tokenizer::has_gguf_tokenizer(metadata)) return std::nullopt;
  const Json config = tokenizer::tokenizer_config_of_gguf(metadata);
  return tokenizer::ChatTemplate::of_settings(JsonView(config, file.path().string()));
} catch (const JsonError& error) {
  throw TokenizerError(error.what());
}

}  // namespace kedit::gguf
