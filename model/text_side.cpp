#include "model/text_side.hpp"

#include "model/gguf/gguf_file.hpp"
#include "model/gguf/text_side.hpp"

namespace kedit {

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& model) {
  if (gguf::is_gguf(model)) return gguf::load_tokenizer(gguf::GgufFile::open(model));
  return Tokenizer::present(model) ? Tokenizer::load(model) : nullptr;
}

std::optional<tokenizer::ChatTemplate> load_chat_template(const std::filesystem::path& model) {
  if (gguf::is_gguf(model)) return gguf::load_chat_template(gguf::GgufFile::open(model));
  return tokenizer::ChatTemplate::load(model);
}

}  // namespace kedit
