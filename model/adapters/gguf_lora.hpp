#pragma once

#include "model/adapters/lora.hpp"
#include "model/model.hpp"

#include <filesystem>

namespace kedit::adapters {

/// Writes an adapter for llama.cpp: one GGUF file of general.type "adapter" and adapter.type
/// "lora", tensors NAME.lora_a [rank, in] and NAME.lora_b [out, rank] under llama.cpp's names and
/// in its order of rows, float32; adapter.lora.alpha is the rank, so that its scale is 1. The
/// edits' ids and requests stand in keys of their own (kedit.*). `file` must not exist. Throws
/// `FileWriteError`; `ModelError` for a family that llama.cpp has no architecture for.
void write_gguf_lora(const EditedModel& model, const Lora& lora, const std::filesystem::path& file);

}  // namespace kedit::adapters
