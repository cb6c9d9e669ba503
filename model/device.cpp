#include "model/device.hpp"

#include "model/cuda_engine.hpp"
#include "model/model.hpp"

#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace kedit {
namespace {

std::atomic<bool> tf32{false};

[[noreturn]] void no_such_device(const std::string& name, const std::string& found) {
  throw DeviceError(
      fmt::format("opening device {}: no such device: {}; use --device cpu", name, found));
}

// Digits after "cuda:", or nothing.
std::optional<int> parse_index(const std::string& digits) {
  const bool numeric =
      !digits.empty() && digits.size() <= 3 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return numeric ? std::optional<int>(std::stoi(digits)) : std::nullopt;
}

// LibTorch has defaults of its own, which have changed between its versions.
c10::Device cuda_device(int index) {
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace

void allow_tf32(bool allowed) { tf32 = allowed; }

bool tf32_allowed() { return tf32; }

int cuda_device_count() {
  if (!load_cuda_engine().empty()) return 0;
  return static_cast<int>(c10::impl::getDeviceGuardImpl(c10::kCUDA)->deviceCount());
}

c10::Device parse_device(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name == "auto") return cuda_device_count() > 0 ? cuda_device(0) : c10::Device(c10::kCPU);
  const bool numbered = name.rfind("cuda:", 0) == 0;
  const auto index = name == "cuda" ? std::optional<int>(0)
                     : numbered     ? parse_index(name.substr(5))
                                    : std::nullopt;
  if (!index) no_such_device(name, "expected cpu, cuda, cuda:N or auto");
  const int devices = cuda_device_count();
  if (!load_cuda_engine().empty()) no_such_device(name, load_cuda_engine());
  if (*index >= devices) no_such_device(name, fmt::format("found {} CUDA devices", devices));
  return cuda_device(*index);
}

std::optional<c10::ScalarType> parse_dtype(const std::string& name) {
  if (name == "auto") return std::nullopt;
  if (name == "float32") return c10::ScalarType::Float;
  if (name == "bfloat16") return c10::ScalarType::BFloat16;
  if (name == "float16") return c10::ScalarType::Half;
  throw ModelError(
      fmt::format("choosing a dtype: expected auto, float32, bfloat16 or float16, found {}", name));
}

std::string dtype_name(c10::ScalarType dtype) {
  switch (dtype) {
    case c10::ScalarType::Float:
      return "float32";
    case c10::ScalarType::BFloat16:
      return "bfloat16";
    case c10::ScalarType::Half:
      return "float16";
    case c10::ScalarType::Double:
      return "float64";
    default:
      return at::toString(dtype);
  }
}

}  // namespace kedit
