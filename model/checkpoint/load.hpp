#pragma once

#include "model/decoder/decoder.hpp"
#include "model/model.hpp"

#include <filesystem>

namespace kedit {

/// The weights of a Hugging Face directory on the device and in the dtype asked for, checked: every
/// name of the architecture present with its shape, no NaN or infinity. Tensors besides are named
/// in one warning, buffers that follow from the configuration are passed over. On the CPU in the
/// stored dtype nothing is copied. Throws `ModelError`, `DeviceError`.
DecoderWeights load_weights(const std::filesystem::path& directory,
                            const Architecture& architecture, const LoadOptions& options);

}  // namespace kedit
