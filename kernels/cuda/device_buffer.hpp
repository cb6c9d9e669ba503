#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace kedit::kernels::cuda {

/// Throws `std::runtime_error` saying what was being done when a call of the runtime failed.
inline void check(cudaError_t status, const std::string& act) {
  if (status != cudaSuccess)
    throw std::runtime_error("CUDA: " + act + ": " + cudaGetErrorString(status));
}

/// Device memory, freed with the object. Movable.
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t bytes) {
    if (bytes > 0)
      check(cudaMalloc(&data_, bytes), "allocating " + std::to_string(bytes) + " bytes");
  }
  /// A copy of host memory that begins as far from a multiple of 16 bytes as the original does.
  DeviceBuffer(const void* host, std::size_t bytes) : DeviceBuffer(bytes + 16) {
    offset_ = reinterpret_cast<std::uintptr_t>(host) % 16;
    if (bytes == 0) return;
    check(cudaMemcpy(data(), host, bytes, cudaMemcpyHostToDevice),
          "copying " + std::to_string(bytes) + " bytes to the device");
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), offset_(other.offset_) {}
  DeviceBuffer& operator=(DeviceBuffer&&) = delete;

  void* data() const { return static_cast<char*>(data_) + offset_; }

  void copy_to(void* host, std::size_t bytes) const {
    if (bytes == 0) return;
    check(cudaMemcpy(host, data(), bytes, cudaMemcpyDeviceToHost),
          "copying " + std::to_string(bytes) + " bytes from the device");
  }

 private:
  void* data_ = nullptr;
  std::size_t offset_ = 0;
};

/// Makes `device` the thread's current one, and the one before again.
class DeviceScope {
 public:
  explicit DeviceScope(int device) {
    check(cudaGetDevice(&before_), "asking for the current device");
    if (before_ == device) return;
    check(cudaSetDevice(device), "choosing device " + std::to_string(device));
    changed_ = true;
  }
  ~DeviceScope() {
    if (changed_) cudaSetDevice(before_);
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace kedit::kernels::cuda
