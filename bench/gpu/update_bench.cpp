// kedit's CUDA update kernel beside a copy of the same weight, in one run: a rank-one update must
// read the weight once and write it once, so its time is measured in copies. Updates are first
// compared with the reference loop. Exit code 77: there are no kernels or no GPU.
//
//   kedit_bench_gpu_update [--json]
#include "bench/gpu/update_check.hpp"
#include "kernels/cuda_library.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace kedit::kernels;

constexpr const char* kTypes[] = {"float32", "bfloat16", "float16"};
constexpr std::array<std::int64_t, 2> kShapes[] = {{4096, 14336}, {6400, 1600}};

struct Ranks {
  std::int64_t rank, terms;
};
constexpr Ranks kRanks[] = {{1, 1}, {4, 1}, {16, 1}, {32, 1}, {256, 1}, {1, 16}, {1, 100}};

struct Line {
  int type;
  std::array<std::int64_t, 2> shape;
  Ranks ranks;
  KeditCudaTimes times;

  double copy_share() const { return 100.0 * times.copy / times.update; }
  double gigabytes_per_second() const {
    const auto elements = static_cast<double>(shape[0] * shape[1]);
    return 2e-9 * elements * (type == 0 ? 4.0 : 2.0) / times.update;
  }
  double teraflops() const {
    return 2e-12 * static_cast<double>(shape[0] * shape[1] * ranks.rank * ranks.terms) /
           times.update;
  }
  void print() const {
    fmt::print(
        "{:<9} [{:>4}, {:>5}] {:>3} x rank {:>3}: {:8.1f} us, {:7.0f} GB/s, {:5.1f} % of copy "
        "({:.1f} us), {:5.1f} TFLOP/s\n",
        kTypes[type], shape[0], shape[1], ranks.terms, ranks.rank, 1e6 * times.update,
        gigabytes_per_second(), copy_share(), 1e6 * times.copy, teraflops());
  }
  nlohmann::json json() const {
    return {{"type", kTypes[type]},
            {"shape", shape},
            {"rank", ranks.rank},
            {"terms", ranks.terms},
            {"microseconds", 1e6 * times.update},
            {"copy_microseconds", 1e6 * times.copy},
            {"percent_of_copy", copy_share()},
            {"teraflops", teraflops()}};
  }
};

int skipped(const std::string& why) {
  fmt::print("skipped: no update was timed: {}\n", why);
  return 77;
}

}  // namespace

int main(int count, char** words) {
  const bool json = count > 1 && std::string_view(words[1]) == "--json";
  const CudaLibrary& library = cuda_library();
  if (library.table == nullptr) return skipped(library.obstacle);
  std::array<char, 512> error{};
  if (library.table->device_count(error.data(), error.size()) == 0) return skipped(error.data());
  if (const std::string fault = kedit::bench::first_wrong_update(*library.table); !fault.empty()) {
    fmt::print(stderr, "{}: no time counts\n", fault);
    return EXIT_FAILURE;
  }
  nlohmann::json lines = nlohmann::json::array();
  for (const auto& shape : kShapes) {
    for (int type = 0; type < 3; ++type) {
      for (const Ranks& ranks : kRanks) {
        Line line{type, shape, ranks, {}};
        if (library.table->time_update(type, shape[0], shape[1], ranks.rank, ranks.terms, 0,
                                       &line.times, error.data(), error.size()) != 0) {
          fmt::print(stderr, "{}\n", error.data());
          return EXIT_FAILURE;
        }
        if (!json) line.print();
        lines.push_back(line.json());
      }
    }
  }
  if (json) fmt::print("{}\n", lines.dump());
  return EXIT_SUCCESS;
}
