#include "model/text_side.hpp"

#include "model/gguf/gguf_file.hpp"
#include "model/gguf/text_side.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

namespace kedit {

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& model) {
  if (gguf::is_gguf(model)) return gguf::load_tokenizer(gguf::GgufFile::open(model));
  return Tokenizer::present(model) ? Tokenizer::load(model) : nullptr;
}

std::shared_ptr<const Tokenizer> require_tokenizer(const std::filesystem::path& model) {
  if (!gguf::is_gguf(model)) return Tokenizer::load(model);
  auto tokenizer = load_tokenizer(model);
  if (tokenizer) return tokenizer;
  throw TokenizerError(fmt::format(
      "reading {}: key tokenizer.ggml.model: expected a tokenizer, found none", model.string()));
}

std::optional<tokenizer::ChatTemplate> load_chat_template(const std::filesystem::path& model) {
  if (gguf::is_gguf(model)) return gguf::load_chat_template(gguf::GgufFile::open(model));
  return tokenizer::ChatTemplate::load(model);
}

}  // namespace kedit
