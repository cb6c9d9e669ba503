#include "kernels/checks.hpp"
#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/low_rank_update.hpp"

#include <algorithm>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdexcept>
#include <string>

namespace kedit::kernels::cuda {
namespace {

// One product column of left with one row of right, or a dense term (left null: coefficient 1).
// Element i of the column at left[i * left_stride]; element (i, j) at right[i * right_stride + j].
struct Strand {
  const float* left;
  std::int64_t left_stride;
  const float* right;
  std::int64_t right_stride;
};

// Strands travel by value in the launch (constant memory, broadcast to all threads); more of them
// than fit are added in further passes over a float32 scratch of running sums.
constexpr int kStrandsPerPass = 32;

struct Pass {
  Strand strands[kStrandsPerPass];
  int count;
  const float* sums_in;  // [rows, cols] or null: sums begin at 0
  float* sums_out;       // [rows, cols] or null: this is the last pass, which writes the weight
};

__device__ float widen(float value) { return value; }
__device__ float widen(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ float widen(__half value) { return __half2float(value); }

template <class T>
__device__ T narrow(float value);
template <>
__device__ float narrow<float>(float value) {
  return value;
}
template <>
__device__ __nv_bfloat16 narrow<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}
template <>
__device__ __half narrow<__half>(float value) {
  return __float2half_rn(value);
}

// 16 bytes of T, read and written as one.
template <class T>
struct alignas(16) Vector {
  static constexpr int kSize = 16 / sizeof(T);
  T element[kSize];
};

// The sums of `kSize` neighbouring elements of one row: terms in order, rank ascending, fused
// multiply-add, as on the CPU.
template <int kSize>
__device__ void add_strands(const Pass& pass, std::int64_t row, std::int64_t col,
                            float (&sums)[kSize]) {
  for (int s = 0; s < pass.count; ++s) {
    const Strand& strand = pass.strands[s];
    const float coefficient = strand.left == nullptr ? 1.0f : strand.left[row * strand.left_stride];
    const float* right = strand.right + row * strand.right_stride + col;
#pragma unroll
    for (int e = 0; e < kSize; ++e) sums[e] = __fmaf_rn(coefficient, __ldg(right + e), sums[e]);
  }
}

// kSize elements at (row, col): vectors where rows are aligned, single elements elsewhere.
template <class T, int kSize>
__device__ void update_elements(const T* base, T* out, std::int64_t cols, const Pass& pass,
                                std::int64_t row, std::int64_t col) {
  const std::int64_t at = row * cols + col;
  float sums[kSize];
#pragma unroll
  for (int e = 0; e < kSize; ++e) sums[e] = pass.sums_in == nullptr ? 0.0f : pass.sums_in[at + e];
  add_strands<kSize>(pass, row, col, sums);
  if (pass.sums_out != nullptr) {
#pragma unroll
    for (int e = 0; e < kSize; ++e) pass.sums_out[at + e] = sums[e];
    return;
  }
  if constexpr (kSize == 1) {
    out[at] = narrow<T>(__fadd_rn(widen(base[at]), sums[0]));
  } else {
    Vector<T> block = *reinterpret_cast<const Vector<T>*>(base + at);
#pragma unroll
    for (int e = 0; e < kSize; ++e)
      block.element[e] = narrow<T>(__fadd_rn(widen(block.element[e]), sums[e]));
    *reinterpret_cast<Vector<T>*>(out + at) = block;
  }
}

// Grid-stride over groups of kSize elements; a group never crosses a row because kSize divides
// cols.
template <class T, int kSize>
__global__ void update_kernel(const T* base, T* out, std::int64_t rows, std::int64_t cols,
                              Pass pass) {
  const std::int64_t groups_per_row = cols / kSize;
  const std::int64_t groups = rows * groups_per_row;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t group = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       group < groups; group += stride) {
    const std::int64_t row = group / groups_per_row;
    update_elements<T, kSize>(base, out, cols, pass, row, (group - row * groups_per_row) * kSize);
  }
}

std::string sizes(std::int64_t rows, std::int64_t cols, std::size_t strands) {
  return "low-rank update of [" + std::to_string(rows) + ", " + std::to_string(cols) + "] with " +
         std::to_string(strands) + " columns";
}

template <class T, int kSize>
void launch(const T* base, T* out, std::int64_t rows, std::int64_t cols, const Pass& pass,
            cudaStream_t stream) {
  constexpr int kThreads = 256;
  constexpr std::int64_t kMaxBlocks = 132 * 16;
  const std::int64_t groups = rows * (cols / kSize);
  const auto blocks = static_cast<unsigned>(
      std::clamp<std::int64_t>((groups + kThreads - 1) / kThreads, 1, kMaxBlocks));
  update_kernel<T, kSize><<<blocks, kThreads, 0, stream>>>(base, out, rows, cols, pass);
  check(cudaGetLastError(), sizes(rows, cols, static_cast<std::size_t>(pass.count)));
}

bool is_aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

std::vector<Strand> strands_of(const std::vector<UpdateTerm>& terms, std::int64_t cols) {
  std::vector<Strand> strands;
  for (const auto& term : terms) {
    if (term.dense != nullptr) {
      strands.push_back({nullptr, 0, term.dense, cols});
      continue;
    }
    const LowRankTerm& low_rank = term.low_rank;
    for (std::int64_t r = 0; r < low_rank.rank; ++r) {
      strands.push_back({low_rank.left + r, low_rank.rank, low_rank.right + r * cols, 0});
    }
  }
  return strands;
}

template <class T>
void update_typed(const void* base, void* out, std::int64_t rows, std::int64_t cols,
                  const std::vector<Strand>& strands, cudaStream_t stream) {
  const auto* from = static_cast<const T*>(base);
  auto* to = static_cast<T*>(out);
  const bool vectors = cols % Vector<T>::kSize == 0 && is_aligned(base) && is_aligned(out);
  const std::size_t passes = (strands.size() + kStrandsPerPass - 1) / kStrandsPerPass;
  StreamBuffer scratch(passes > 1 ? static_cast<std::size_t>(rows * cols) * sizeof(float) : 0,
                       stream);
  for (std::size_t p = 0; p < passes; ++p) {
    Pass pass{};
    const std::size_t first = p * kStrandsPerPass;
    pass.count = static_cast<int>(std::min<std::size_t>(kStrandsPerPass, strands.size() - first));
    std::copy_n(strands.begin() + static_cast<std::ptrdiff_t>(first), pass.count, pass.strands);
    pass.sums_in = p == 0 ? nullptr : static_cast<const float*>(scratch.data());
    pass.sums_out = p + 1 == passes ? nullptr : static_cast<float*>(scratch.data());
    if (vectors) {
      launch<T, Vector<T>::kSize>(from, to, rows, cols, pass, stream);
    } else {
      launch<T, 1>(from, to, rows, cols, pass, stream);
    }
  }
}

}  // namespace

int device_count(const char** why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (why != nullptr) *why = status == cudaSuccess ? "" : cudaGetErrorString(status);
  return status == cudaSuccess ? count : 0;
}

void low_rank_update(const void* base, void* out, WeightType type, std::int64_t rows,
                     std::int64_t cols, const std::vector<UpdateTerm>& terms, void* stream) {
  check_update(base, out, rows, cols, terms);
  if (rows * cols == 0) return;
  auto* queue = static_cast<cudaStream_t>(stream);
  if (terms.empty()) {
    if (base == out) return;
    const auto bytes = static_cast<std::size_t>(rows * cols * bytes_per_element(type));
    check(cudaMemcpyAsync(out, base, bytes, cudaMemcpyDeviceToDevice, queue), sizes(rows, cols, 0));
    return;
  }
  const auto strands = strands_of(terms, cols);
  switch (type) {
    case WeightType::float32:
      return update_typed<float>(base, out, rows, cols, strands, queue);
    case WeightType::bfloat16:
      return update_typed<__nv_bfloat16>(base, out, rows, cols, strands, queue);
    case WeightType::float16:
      return update_typed<__half>(base, out, rows, cols, strands, queue);
  }
}

void low_rank_update_on_host_memory(const void* base, void* out, WeightType type, std::int64_t rows,
                                    std::int64_t cols, const std::vector<UpdateTerm>& terms,
                                    int device) {
  check_update(base, out, rows, cols, terms);
  check(cudaSetDevice(device), "choosing device " + std::to_string(device));
  const auto bytes = static_cast<std::size_t>(rows * cols * bytes_per_element(type));
  const DeviceBuffer weight(base, bytes);
  std::vector<DeviceBuffer> factors;
  std::vector<UpdateTerm> on_device;
  const auto copied = [&](const float* data, std::int64_t count) {
    factors.emplace_back(data, static_cast<std::size_t>(count) * sizeof(float));
    return static_cast<const float*>(factors.back().data());
  };
  for (const auto& term : terms) {
    UpdateTerm moved;
    if (term.dense != nullptr) {
      moved.dense = copied(term.dense, rows * cols);
    } else {
      const LowRankTerm& low_rank = term.low_rank;
      moved.low_rank = {copied(low_rank.left, rows * low_rank.rank),
                        copied(low_rank.right, low_rank.rank * cols), low_rank.rank};
    }
    on_device.push_back(moved);
  }
  low_rank_update(weight.data(), weight.data(), type, rows, cols, on_device, nullptr);
  check(cudaMemcpy(out, weight.data(), bytes, cudaMemcpyDeviceToHost), "copying the result back");
}

}  // namespace kedit::kernels::cuda
