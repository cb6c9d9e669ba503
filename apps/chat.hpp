#pragma once

#include "apps/command.hpp"

#include <string>
#include <vector>

namespace kedit::cli {

/// What `--chat` makes of a prompt: a JSON list of messages, or the text of one user message, as
/// the model's own template writes it, with the beginning of the answer. Throws `UsageError` for a
/// list without messages, `InputError` for a model without a template.
std::vector<std::string> chat_texts(const std::filesystem::path& model,
                                    const std::vector<std::string>& prompts);

}  // namespace kedit::cli
