#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <optional>
#include <string>

namespace kedit {

/// "cpu", "cuda", "cuda:N" or "auto" (the first CUDA device if there is one). All but "cpu" bring
/// LibTorch's CUDA half into the process. Throws `DeviceError` when the device is not there, saying
/// what is missing.
c10::Device parse_device(const std::string& name);

/// "float32", "bfloat16", "float16", or nothing for "auto". Throws `ModelError` for another name.
std::optional<c10::ScalarType> parse_dtype(const std::string& name);

/// "float32" and so on, as configuration files spell it.
std::string dtype_name(c10::ScalarType dtype);

/// How many CUDA devices there are; 0 without a driver or LibTorch's CUDA half.
int cuda_device_count();

/// Whether float32 matrix products on a GPU may round their factors to TF32 (10 bits of mantissa),
/// for devices that are opened from now on. Not unless asked for.
void allow_tf32(bool allowed);
bool tf32_allowed();

}  // namespace kedit
