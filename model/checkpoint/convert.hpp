#pragma once

#include "edits/progress.hpp"
#include "json/json.hpp"
#include "model/model.hpp"

#include <ATen/core/ScalarType.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kedit::checkpoint {

struct ConvertOptions {
  std::optional<c10::ScalarType> dtype = {};  ///< Of all weights; absent: each has its own.
  bool allow_nonfinite = false;             ///< Else numbers that `dtype` cannot hold are refused.
  const DecoderWeights* weights = nullptr;  ///< In place of the model's own: with edits in them.
  std::vector<std::pair<std::string, std::string>> more_files = {};  ///< Names and contents.
};

/// Writes a model as a Hugging Face directory that the reference library loads: weights in one
/// model.safetensors, config.json, generation_config.json, and tokenizer and chat template, copied
/// from a directory, put together from the metadata of a GGUF file. Weights are written one after
/// the other. `out` must not exist or be empty; it is whole or
/// untouched. Returns the names of the files, sorted. Throws `FileWriteError`, `ModelError`,
/// `TokenizerError`, `Interrupted`.
std::vector<std::string> convert_model(const Model& model, const std::filesystem::path& out,
                                       const ConvertOptions& options, const RunContext& run);

/// What generation_config.json says of a model that comes without one.
Json generation_config(const Architecture& architecture);

}  // namespace kedit::checkpoint
