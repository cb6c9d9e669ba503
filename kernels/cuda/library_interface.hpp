#pragma once

#include <cstddef>
#include <cstdint>

/// The face of libkedit_cuda.so: one C function that returns a table. Program and library may come
/// from different builds; the version tells whether they mean the same table. Matrices are
/// row-major and lie on the device unless said otherwise; `stream` is a cudaStream_t of that
/// device. Functions return 0, or another number after writing a sentence into `error`.
extern "C" {

struct KeditCudaTerm {
  const float* left;  ///< [rows, rank] and right [rank, cols]; null: a dense term
  const float* right;
  std::int64_t rank;
  const float* dense;  ///< [rows, cols] or null
};

/// kedit::kernels::low_rank_update: float32 sums in the order of the terms, rounded once.
struct KeditCudaUpdate {
  const void* base;
  void* out;
  int type;  ///< 0 float32, 1 bfloat16, 2 float16
  std::int64_t rows, cols;
  const std::int64_t*
      row_index;               ///< [rows] of the weight that the factors' rows are for, each once
  const KeditCudaTerm* terms;  ///< On the host.
  std::int64_t term_count;
  void* workspace;  ///< As many bytes as `update_workspace` says, aligned to 16.
  int device;
  void* stream;
};

/// Best times of one launch, in seconds, on random numbers.
struct KeditCudaTimes {
  double update, copy;  ///< `copy`: of the weight, the faster of cudaMemcpy and a copy kernel
};

struct KeditCudaTable {
  int version;  ///< kKeditCudaVersion of the library
  const char* architectures;
  /// Devices that the kernels can run on; 0 and the reason where there is none.
  int (*device_count)(char* error, std::size_t error_size);
  /// Bytes of workspace that an update needs; only sizes and terms are looked at.
  std::int64_t (*update_workspace)(const KeditCudaUpdate* update);
  int (*low_rank_update)(const KeditCudaUpdate* update, char* error, std::size_t error_size);
  /// moment [dim, dim] float64 += keys^T keys of keys [count, dim] float32; symmetric.
  int (*second_moment)(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                       int device, void* stream, char* error, std::size_t error_size);
  /// The same two with everything in host memory, for tests: copies keep how the host's pointers
  /// are aligned. `base_rows`: rows of base and out. Workspace and stream are not looked at.
  int (*host_update)(const KeditCudaUpdate* update, std::int64_t base_rows, char* error,
                     std::size_t error_size);
  int (*host_second_moment)(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                            int device, char* error, std::size_t error_size);
  /// For benchmarks: an update of `terms` terms of rank `rank`, several copies of the weight in
  /// turn.
  int (*time_update)(int type, std::int64_t rows, std::int64_t cols, std::int64_t rank,
                     std::int64_t terms, int device, KeditCudaTimes* times, char* error,
                     std::size_t error_size);
};

constexpr int kKeditCudaVersion = 1;

/// The only symbol that is looked up.
__attribute__((visibility("default"))) const KeditCudaTable* kedit_cuda_table();
}
