#pragma once

#include "model/checkpoint/stored_weights.hpp"
#include "model/decoder/decoder.hpp"
#include "model/model.hpp"

#include <filesystem>
#include <memory>

namespace kedit::checkpoint {

/// A checkpoint as it runs, and as it is stored.
struct LoadedWeights {
  DecoderWeights weights;
  std::unique_ptr<StoredWeights> stored;
};

/// The weights of a Hugging Face directory on the device and in the dtype asked for, checked: every
/// name of the architecture present with its shape, no NaN or infinity. Tensors besides are named
/// in one warning, buffers that follow from the configuration are passed over. On the CPU in the
/// stored dtype nothing is copied. Throws `ModelError`, `DeviceError`.
LoadedWeights load_weights(const std::filesystem::path& directory, const Architecture& architecture,
                           const LoadOptions& options);

}  // namespace kedit::checkpoint
