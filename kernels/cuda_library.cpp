#include "kernels/cuda_library.hpp"

#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <system_error>

namespace kedit::kernels {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "libkedit_cuda.so";

std::string last_link_error() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown fault" : text;
}

fs::path library_file() {
  const char* chosen = std::getenv("KEDIT_CUDA_LIBRARY");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder : {here, here.parent_path() / "lib"}) {
    if (fs::exists(folder / kName, error)) return folder / kName;
  }
  return {};
}

std::runtime_error refused(const std::array<char, 512>& error) {
  return std::runtime_error(error.data());
}

}  // namespace

CudaLibrary open_cuda_library(const fs::path& file) {
  CudaLibrary library;
  library.file = file;
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    library.obstacle = last_link_error();
    return library;
  }
  using Entry = const KeditCudaTable* (*)();
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "kedit_cuda_table"));
  if (entry == nullptr) {
    library.obstacle = file.string() + ": expected kedit's CUDA kernels, found another library";
    return library;
  }
  const KeditCudaTable* const table = entry();
  if (table->version != kKeditCudaVersion) {
    library.obstacle = file.string() + ": expected version " + std::to_string(kKeditCudaVersion) +
                       " of the kernels' interface, found " + std::to_string(table->version);
    return library;
  }
  library.table = table;
  return library;
}

const CudaLibrary& cuda_library() {
  static const CudaLibrary library = [] {
    const fs::path file = library_file();
    if (!file.empty()) return open_cuda_library(file);
    CudaLibrary none;
    none.obstacle = std::string(kName) + " is not beside the program";
    return none;
  }();
  return library;
}

void cuda_low_rank_update(const KeditCudaUpdate& update) {
  std::array<char, 512> error{};
  const KeditCudaTable& table = *cuda_library().table;
  if (table.low_rank_update(&update, error.data(), error.size()) != 0) throw refused(error);
}

void cuda_second_moment(const float* keys, std::int64_t count, std::int64_t dim, double* moment,
                        int device, void* stream) {
  std::array<char, 512> error{};
  const KeditCudaTable& table = *cuda_library().table;
  if (table.second_moment(keys, count, dim, moment, device, stream, error.data(), error.size()) !=
      0) {
    throw refused(error);
  }
}

}  // namespace kedit::kernels
