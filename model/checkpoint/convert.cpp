#include "model/checkpoint/convert.hpp"

#include "json/atomic_directory.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/checkpoint/text_files.hpp"
#include "model/device.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace kedit::checkpoint {
namespace {

namespace fs = std::filesystem;

// The reference library makes room for these ids in its embedding: those outside of it are no ids.
Json id_within(const Json& id, std::int64_t vocab) {
  const bool within =
      id.is_number_integer() && id.get<std::int64_t>() >= 0 && id.get<std::int64_t>() < vocab;
  return within ? id : Json(nullptr);
}

Json config_of(const Model& model, const TextFiles& text, const std::string& dtype) {
  Json config = architecture_to_config(model.architecture());
  for (const auto& [key, id] : text.token_ids.items()) {
    config[key] = id_within(id, model.architecture().vocab);
  }
  config["torch_dtype"] = dtype;
  return config;
}

void write_text_files(const TextFiles& text, const fs::path& directory) {
  for (const auto& [name, content] : text.files) {
    const fs::path file = directory / name;
    fs::create_directories(file.parent_path());
    write_file_atomically(file, content);
  }
}

void write_weights(const Model& model, const fs::path& directory, const ConvertOptions& wanted,
                   const RunContext& run) {
  StoringOptions options;
  options.dtype = wanted.dtype;
  options.allow_nonfinite = wanted.allow_nonfinite;
  options.progress = [&](std::int64_t done, std::int64_t all) {
    if (run.should_stop()) throw Interrupted("converting a model was interrupted");
    run.report({"writing weights", done, all, "bytes"});
  };
  const DecoderWeights& weights = wanted.weights == nullptr ? model.weights() : *wanted.weights;
  write_safetensors(directory / "model.safetensors", named_tensors(model.architecture(), weights),
                    {{"format", "pt"}}, options);
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(directory).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<std::string> convert_model(const Model& model, const fs::path& out,
                                       const ConvertOptions& options, const RunContext& run) {
  const TextFiles text = text_files_of(model.path());
  const std::string type = options.dtype ? dtype_name(*options.dtype) : model.stored_dtype();
  AtomicDirectory directory(out);
  write_file_atomically(directory.path() / "generation_config.json",
                        to_text(generation_config(model.architecture()), 2) + "\n");
  write_text_files(text, directory.path());  // which may have one of those
  for (const auto& [name, content] : options.more_files) {
    write_file_atomically(directory.path() / name, content);
  }
  write_file_atomically(directory.path() / "config.json",
                        to_text(config_of(model, text, type), 2) + "\n");
  write_weights(model, directory.path(), options, run);
  std::vector<std::string> names = names_in(directory.path());
  directory.commit();
  return names;
}

}  // namespace kedit::checkpoint
