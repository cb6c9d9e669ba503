#include "model/cuda_engine.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <fmt/format.h>

#include <cstdlib>
#include <dlfcn.h>
#include <link.h>

namespace kedit {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDriver = "libcuda.so.1";

bool is_loaded() { return c10::impl::hasDeviceGuardImpl(c10::kCUDA); }

std::string last_link_error() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown fault" : text;
}

// Asks the driver itself, which costs little beside the engine. Its handle is kept: it stays
// loaded.
std::string driver_obstacle(const std::string& name) {
  void* const driver = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return fmt::format("found no NVIDIA driver ({})", last_link_error());
  const auto start = reinterpret_cast<int (*)(unsigned)>(::dlsym(driver, "cuInit"));
  const auto count = reinterpret_cast<int (*)(int*)>(::dlsym(driver, "cuDeviceGetCount"));
  if (start == nullptr || count == nullptr) {
    return fmt::format("found no NVIDIA driver ({} is another library)", name);
  }
  int devices = 0;
  const int status = start(0);
  if (status == 0 && count(&devices) == 0 && devices > 0) return {};
  return status == 0 ? "found no CUDA device"
                     : fmt::format("found no CUDA device (the driver says error {})", status);
}

// Where the LibTorch of this process lies.
fs::path engine_file() {
  const char* chosen = std::getenv("KEDIT_TORCH_CUDA");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  void* const cpu = ::dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
  link_map* map = nullptr;
  const bool found = cpu != nullptr && ::dlinfo(cpu, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr;
  const fs::path here = found ? fs::path(map->l_name).parent_path() : fs::path();
  if (cpu != nullptr) ::dlclose(cpu);
  return here / "libtorch_cuda.so";
}

}  // namespace

std::string load_cuda_engine_from(const std::string& driver, const fs::path& engine) {
  if (is_loaded()) return {};
  if (std::string obstacle = driver_obstacle(driver); !obstacle.empty()) return obstacle;
  // Globally, as if the program had been linked with it: its own parts look for each other.
  if (::dlopen(engine.c_str(), RTLD_LAZY | RTLD_GLOBAL) == nullptr) {
    return fmt::format(
        "LibTorch's CUDA half could not be loaded ({}): install what it needs or name another "
        "libtorch_cuda.so of this version in $KEDIT_TORCH_CUDA",
        last_link_error());
  }
  if (is_loaded()) return {};
  return fmt::format("{} brings no CUDA to LibTorch", engine.string());
}

const std::string& load_cuda_engine() {
  static const std::string obstacle = load_cuda_engine_from(kDriver, engine_file());
  return obstacle;
}

}  // namespace kedit
