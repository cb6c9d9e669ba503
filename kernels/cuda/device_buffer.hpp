#pragma once

#include <cstddef>
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

/// Device memory holding a copy of host memory. Movable; freed with the object.
class DeviceBuffer {
 public:
  DeviceBuffer(const void* host, std::size_t bytes) {
    if (bytes == 0) return;
    check(cudaMalloc(&data_, bytes), "allocating " + std::to_string(bytes) + " bytes");
    const cudaError_t status = cudaMemcpy(data_, host, bytes, cudaMemcpyHostToDevice);
    if (status != cudaSuccess) {
      cudaFree(data_);
      check(status, "copying " + std::to_string(bytes) + " bytes to the device");
    }
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  DeviceBuffer& operator=(DeviceBuffer&&) = delete;

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

/// Scratch that lives as long as the work queued on `stream` before the object goes.
class StreamBuffer {
 public:
  StreamBuffer(std::size_t bytes, cudaStream_t stream) : stream_(stream) {
    if (bytes > 0)
      check(cudaMallocAsync(&data_, bytes, stream),
            "allocating " + std::to_string(bytes) + " bytes");
  }
  ~StreamBuffer() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }
  StreamBuffer(const StreamBuffer&) = delete;
  StreamBuffer& operator=(const StreamBuffer&) = delete;

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  cudaStream_t stream_;
};

}  // namespace kedit::kernels::cuda
