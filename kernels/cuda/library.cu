#include "kernels/checks.hpp"
#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/launches.hpp"
#include "kernels/cuda/library_interface.hpp"
#include "kernels/cuda/measure.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace kedit::kernels::cuda {
namespace {

// 0, or 1 and what was thrown: no exception leaves the library.
template <class Act>
int guarded(char* error, std::size_t error_size, const Act& act) {
  try {
    act();
    return 0;
  } catch (const std::exception& fault) {
    if (error != nullptr) std::snprintf(error, error_size, "%s", fault.what());
  } catch (...) {
    if (error != nullptr) std::snprintf(error, error_size, "unknown fault");
  }
  return 1;
}

std::vector<UpdateTerm> terms_of(const KeditCudaUpdate& update) {
  std::vector<UpdateTerm> terms;
  for (std::int64_t i = 0; i < update.term_count; ++i) {
    const KeditCudaTerm& term = update.terms[i];
    terms.push_back({{term.left, term.right, term.rank}, term.dense});
  }
  return terms;
}

Update update_of(const KeditCudaUpdate& update, const std::vector<UpdateTerm>& terms) {
  return {update.base, update.out,      static_cast<WeightType>(update.type),
          update.rows, update.cols,     update.row_index,
          &terms,      update.workspace};
}

int device_count(char* error, std::size_t error_size) {
  int count = 0;
  const int failed =
      guarded(error, error_size, [&] { check(cudaGetDeviceCount(&count), "counting devices"); });
  return failed != 0 ? 0 : count;
}

std::int64_t update_workspace(const KeditCudaUpdate* update) {
  const auto terms = terms_of(*update);
  return workspace_of(plan_passes(terms, update->cols), update->rows, update->cols).bytes();
}

int update_on_device(const KeditCudaUpdate* update, char* error, std::size_t error_size) {
  return guarded(error, error_size, [&] {
    const DeviceScope scope(update->device);
    const auto terms = terms_of(*update);
    queue_update(update_of(*update, terms), static_cast<cudaStream_t>(update->stream));
  });
}

int moment_on_device(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                     int device, void* stream, char* error, std::size_t error_size) {
  return guarded(error, error_size, [&] {
    const DeviceScope scope(device);
    queue_second_moment(keys, count, dim, moment, static_cast<cudaStream_t>(stream));
  });
}

// Factors copied to the device.
class CopiedTerms {
 public:
  CopiedTerms(const std::vector<UpdateTerm>& terms, std::int64_t rows, std::int64_t cols) {
    for (const UpdateTerm& term : terms) {
      const LowRankTerm& low_rank = term.low_rank;
      UpdateTerm moved;
      if (term.dense != nullptr) {
        moved.dense = copied(term.dense, rows * cols);
      } else {
        moved.low_rank = {copied(low_rank.left, rows * low_rank.rank),
                          copied(low_rank.right, low_rank.rank * cols), low_rank.rank};
      }
      terms_.push_back(moved);
    }
  }
  const std::vector<UpdateTerm>& terms() const { return terms_; }

 private:
  const float* copied(const float* data, std::int64_t count) {
    buffers_.emplace_back(data, static_cast<std::size_t>(count) * sizeof(float));
    return static_cast<const float*>(buffers_.back().data());
  }
  std::vector<DeviceBuffer> buffers_;
  std::vector<UpdateTerm> terms_;
};

void update_in_host_memory(const KeditCudaUpdate& asked, std::int64_t base_rows) {
  const auto host_terms = terms_of(asked);
  Update update = update_of(asked, host_terms);
  check_update(update.base, update.out, update.rows, update.cols, host_terms);
  const auto bytes =
      static_cast<std::size_t>(base_rows * update.cols * bytes_per_element(update.type));
  const DeviceBuffer base(update.base, bytes), out(update.out, bytes);
  const auto index_bytes = update.row_index == nullptr
                               ? 0
                               : static_cast<std::size_t>(update.rows) * sizeof(std::int64_t);
  const DeviceBuffer index(update.row_index, index_bytes);
  const CopiedTerms terms(host_terms, update.rows, update.cols);
  const DeviceBuffer workspace(static_cast<std::size_t>(
      workspace_of(plan_passes(terms.terms(), update.cols), update.rows, update.cols).bytes()));
  void* const host_out = update.out;
  const bool in_place = update.base == update.out;
  update.base = base.data();
  update.out = in_place ? base.data() : out.data();
  if (update.row_index != nullptr)
    update.row_index = static_cast<const std::int64_t*>(index.data());
  update.terms = &terms.terms();
  update.workspace = workspace.data();
  queue_update(update, nullptr);
  (in_place ? base : out).copy_to(host_out, bytes);
}

int host_update(const KeditCudaUpdate* update, std::int64_t base_rows, char* error,
                std::size_t error_size) {
  return guarded(error, error_size, [&] {
    const DeviceScope scope(update->device);
    update_in_host_memory(*update, base_rows);
  });
}

int host_second_moment(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                       int device, char* error, std::size_t error_size) {
  return guarded(error, error_size, [&] {
    const DeviceScope scope(device);
    const auto moment_bytes = static_cast<std::size_t>(dim * dim) * sizeof(double);
    const DeviceBuffer copied(keys, static_cast<std::size_t>(count * dim) * sizeof(float));
    const DeviceBuffer total(moment, moment_bytes);
    queue_second_moment(static_cast<const float*>(copied.data()), count, dim,
                        static_cast<double*>(total.data()), nullptr);
    total.copy_to(moment, moment_bytes);
  });
}

int measure(int type, std::int64_t rows, std::int64_t cols, std::int64_t rank, std::int64_t terms,
            int device, KeditCudaTimes* times, char* error, std::size_t error_size) {
  return guarded(error, error_size, [&] {
    const DeviceScope scope(device);
    *times = time_update(static_cast<WeightType>(type), rows, cols, rank, terms);
  });
}

}  // namespace
}  // namespace kedit::kernels::cuda

const KeditCudaTable* kedit_cuda_table() {
  namespace cuda = kedit::kernels::cuda;
  static const KeditCudaTable table = {
      kKeditCudaVersion,      KEDIT_CUDA_ARCHITECTURES, cuda::device_count,
      cuda::update_workspace, cuda::update_on_device,   cuda::moment_on_device,
      cuda::host_update,      cuda::host_second_moment, cuda::measure};
  return &table;
}
