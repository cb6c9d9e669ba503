#pragma once

#include "edits/delta.hpp"
#include "model/adapters/lora.hpp"
#include "model/model.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kedit::adapters {

/// Writes adapter_config.json and adapter_model.safetensors as the PEFT library loads them, and
/// kedit_edits.json, into a new or empty directory, which is whole or not there. `base` is what the
/// adapter names as its model. Returns the names of the files. Throws `FileWriteError`.
std::vector<std::string> write_peft(const EditedModel& model, const Lora& lora,
                                    const std::string& base,
                                    const std::filesystem::path& directory);

/// The changes of weights that a LoRA adapter of the PEFT library makes to a model of this
/// architecture, in the order of names; components of zeros are left out. Everything about the
/// files is checked. Throws `ModelError` with file and field: damaged files, names outside of the
/// layers' matrices, shapes and ranks that do not fit, numbers that are not finite, and what an
/// edit cannot hold (DoRA, biases, modules saved whole, ...).
std::vector<WeightUpdate> read_peft(const std::filesystem::path& directory,
                                    const Architecture& architecture);

}  // namespace kedit::adapters
