#pragma once

#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace kedit {

/// The tokenizer of a model's directory or GGUF file, without its weights; null when there is none.
/// A directory that holds only tokenizer files will do. Throws `TokenizerError`, `ModelError`.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& model);

/// The same; `TokenizerError` where there is none.
std::shared_ptr<const Tokenizer> require_tokenizer(const std::filesystem::path& model);

/// The chat template of a model's directory or GGUF file, if there is one.
std::optional<tokenizer::ChatTemplate> load_chat_template(const std::filesystem::path& model);

}  // namespace kedit
