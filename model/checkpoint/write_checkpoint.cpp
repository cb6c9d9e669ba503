#include "json/json.hpp"
#include "model/checkpoint/convert.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/device.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <system_error>

namespace kedit {
namespace {

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory)) {
    throw FileWriteError(fmt::format("writing model {}: making the directory: {}",
                                     directory.string(), error.message()));
  }
}

}  // namespace

Json checkpoint::generation_config(const Architecture& architecture) {
  Json config = Json::object();
  if (architecture.eos_ids.size() == 1) config["eos_token_id"] = architecture.eos_ids.front();
  if (architecture.eos_ids.size() > 1) config["eos_token_id"] = architecture.eos_ids;
  return config;
}

void write_checkpoint(const std::filesystem::path& directory, const Architecture& architecture,
                      const DecoderWeights& weights) {
  make_directory(directory);
  const auto tensors = named_tensors(architecture, weights);
  checkpoint::write_safetensors(directory / "model.safetensors", tensors);
  write_file_atomically(directory / "generation_config.json",
                        to_text(checkpoint::generation_config(architecture), 2) + "\n");
  // Last, because a directory is a model once it has this file.
  Json config = architecture_to_config(architecture);
  config["torch_dtype"] = dtype_name(tensors.front().second.scalar_type());
  write_file_atomically(directory / "config.json", to_text(config, 2) + "\n");
}

}  // namespace kedit
