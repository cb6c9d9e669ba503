#pragma once

#include "model/decoder/architecture.hpp"
#include "model/gguf/gguf_file.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace kedit::gguf {

/// "llama", "gptneox", ...: what the file calls its architecture. Throws `ModelError` for a file
/// that holds no whole model (an adapter, a projector) and for an architecture that is not known.
std::string architecture_name(const GgufFile& file);

/// llama.cpp's name for the models of a family (config.json's model_type); nothing where it has
/// none.
std::optional<std::string> architecture_of_family(std::string_view family);

/// The architecture of the model in a GGUF file: its keys as the config.json that they were written
/// from, with what llama.cpp knows by the architecture's name and does not store. Throws
/// `ModelError` naming the key.
Architecture read_architecture(const GgufFile& file);

}  // namespace kedit::gguf
