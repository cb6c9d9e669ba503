#pragma once

#include "model/gguf/gguf_file.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

#include <memory>
#include <optional>

namespace kedit::gguf {

/// The tokenizer that the keys `tokenizer.*` describe; null when there is none. Throws
/// `TokenizerError` with file and key.
std::shared_ptr<const Tokenizer> load_tokenizer(const GgufFile& file);
/// `tokenizer.chat_template`, if there is one.
std::optional<tokenizer::ChatTemplate> load_chat_template(const GgufFile& file);

}  // namespace kedit::gguf
