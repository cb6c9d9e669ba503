#pragma once

#include <filesystem>
#include <string>

namespace kedit {

/// Brings LibTorch's CUDA half into the process, when first called; kedit itself links none of it.
/// The library is $KEDIT_TORCH_CUDA, else libtorch_cuda.so where the libtorch_cpu.so of this
/// process lies. Without a driver, or a device that the driver sees, it is not looked for: that
/// would take seconds. Returns "" or, as a clause, what is missing. Must come before anything that
/// asks LibTorch whether there is CUDA: it keeps its first answer.
const std::string& load_cuda_engine();

/// What `load_cuda_engine` does with these libraries.
std::string load_cuda_engine_from(const std::string& driver, const std::filesystem::path& engine);

}  // namespace kedit
