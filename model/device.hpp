#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <optional>
#include <string>

namespace kedit {

/// "cpu", "cuda", "cuda:N" or "auto" (the first CUDA device if there is one). Throws `DeviceError`
/// when the device is not there.
c10::Device parse_device(const std::string& name);

/// "float32", "bfloat16", "float16", or nothing for "auto". Throws `ModelError` for another name.
std::optional<c10::ScalarType> parse_dtype(const std::string& name);

/// "float32" and so on, as configuration files spell it.
std::string dtype_name(c10::ScalarType dtype);

/// How many CUDA devices the engine that is linked can use; 0 without its CUDA half.
int cuda_device_count();

}  // namespace kedit
