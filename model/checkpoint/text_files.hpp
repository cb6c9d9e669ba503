#pragma once

#include "json/json.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

/// What lies beside the weights of a model and is about its text.
struct TextFiles {
  std::vector<std::pair<std::string, std::string>> files;  ///< Name in the directory and content.
  /// For config.json: bos_token_id and pad_token_id, null where there is none.
  Json token_ids = Json::object();
};

/// Of a model's directory or GGUF file; nothing for a model from memory.
TextFiles text_files_of(const std::filesystem::path& model);

/// Of a model directory: the tokenizer files as they are, and its generation_config.json.
TextFiles text_files_of_directory(const std::filesystem::path& directory);
/// Of a GGUF file: what its metadata mean.
TextFiles text_files_of_gguf(const std::filesystem::path& file);

}  // namespace kedit::checkpoint
