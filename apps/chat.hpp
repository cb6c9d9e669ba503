#pragma once

#include "apps/command.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kedit::cli {

/// What `--chat` makes of a prompt: a JSON list of messages, or the text of one user message, as
/// the model's own template writes it, with the beginning of the answer. Throws `UsageError` for a
/// list without messages, `InputError` for a model without a template.
std::vector<std::string> chat_texts(const std::filesystem::path& model,
                                    const std::vector<std::string>& prompts);

/// The same in ids. The template writes the special tokens, so none are added.
std::vector<std::vector<std::int64_t>> chat_ids(const std::filesystem::path& model,
                                                const Tokenizer& tokenizer,
                                                const std::vector<std::string>& prompts);

}  // namespace kedit::cli
