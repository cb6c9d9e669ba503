// A library of another version of the interface: it must be refused before anything else is read.
#include "kernels/cuda/library_interface.hpp"

const KeditCudaTable* kedit_cuda_table() {
  static const KeditCudaTable table = {
      kKeditCudaVersion + 1, "", nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  return &table;
}
