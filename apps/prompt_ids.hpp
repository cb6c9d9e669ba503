#pragma once

#include "apps/command.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

using Ids = std::vector<std::int64_t>;

/// Ids that came with an option: none at all, one outside the vocabulary, or more than the model's
/// position table holds are a fault of the command line (`UsageError`).
void check_ids(const Architecture& architecture, const Ids& ids, std::string_view option);

/// What a model shall continue: a text, or ids as they are (then `text` is empty).
struct Prompt {
  std::string text;
  std::optional<Ids> ids;
  std::string origin;  ///< "FILE: record N (line L)"; empty for one from the command line.
};

/// JSON lines: a string, {"prompt": TEXT} or {"ids": [ID, ...]}, in any mixture. At least one.
std::vector<Prompt> read_prompts(const std::filesystem::path& file);

/// A JSON array of texts ("-" is standard input).
std::vector<std::string> read_texts(const std::filesystem::path& file);

/// The ids of prompts from --prompt or, with exit code 3 for a wrong one, from the file --prompts;
/// under --chat as the model's chat template writes them, which adds the special tokens itself.
std::vector<Ids> ids_of_prompts(const Context& context, const EditedModel& model,
                                const std::vector<Prompt>& prompts);

/// A token as text with quotes around it; empty for a model without a tokenizer.
std::string shown_token(const Model& model, std::int64_t id);

void warn_beyond_positions(Context& context, const Architecture& architecture, std::int64_t tokens);

}  // namespace kedit::cli
