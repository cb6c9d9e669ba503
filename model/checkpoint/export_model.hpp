#pragma once

#include "edits/progress.hpp"
#include "model/edited_model.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

/// Writes a model with its mounted edits as a Hugging Face directory. From a directory: its shards
/// with their headers and all untouched tensors as they are to the byte, and the configuration,
/// tokenizer and other texts beside them; pickled weights, which would be the unedited ones, stay
/// behind. From a GGUF file: as `convert_model` writes it. `more`: names and contents of further
/// files. The base must have been loaded with `keep_types`, on the CPU. `out` must not exist or be
/// empty; it is whole or untouched. Returns the names of the files, sorted. Throws `ModelError`,
/// `FileWriteError`, `Interrupted`.
std::vector<std::string> export_model(const EditedModel& model, const std::filesystem::path& out,
                                      const std::vector<std::pair<std::string, std::string>>& more,
                                      const RunContext& run);

}  // namespace kedit::checkpoint
