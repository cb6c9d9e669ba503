#pragma once

#include "model/checkpoint/load.hpp"
#include "model/gguf/gguf_file.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace kedit::gguf {

/// The weights of a GGUF file under their checkpoint names, dequantised to float32 (or rounded from
/// that to the dtype asked for), tensor by tensor: beside the weights themselves no more than one
/// tensor a thread is held. What is stored, for the fingerprint, are the float32 numbers: a
/// quantised model and the checkpoint that it is converted to are one model. Throws `ModelError`
/// naming file and tensor, `DeviceError`.
checkpoint::LoadedWeights load_weights(std::shared_ptr<const GgufFile> file,
                                       const Architecture& architecture,
                                       const LoadOptions& options);

/// "Q4_1", "F16", ...: the type of most elements.
std::string quantisation(const GgufFile& file);
/// How many tensors there are of each type.
std::map<std::string, std::int64_t> tensor_types(const GgufFile& file);

}  // namespace kedit::gguf
