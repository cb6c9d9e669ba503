#pragma once

#include "kernels/cuda/library_interface.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace kedit::kernels {

/// libkedit_cuda.so, or why it is not there.
struct CudaLibrary {
  const KeditCudaTable* table = nullptr;  ///< Null: `obstacle` says why.
  std::filesystem::path file;
  std::string obstacle;  ///< "libkedit_cuda.so: cannot open ...": a clause, no sentence
};

/// Opens `file` and checks that it is of this version of the interface.
CudaLibrary open_cuda_library(const std::filesystem::path& file);

/// The library that this process uses, opened when first asked for: $KEDIT_CUDA_LIBRARY, else
/// libkedit_cuda.so beside the program or in lib/ beside the program's folder.
const CudaLibrary& cuda_library();

/// Both need `cuda_library().table`. They throw `std::runtime_error` with the library's sentence.
void cuda_low_rank_update(const KeditCudaUpdate& update);
void cuda_second_moment(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                        int device, void* stream);

}  // namespace kedit::kernels
