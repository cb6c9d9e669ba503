// Dequantising: GB/s per type, blocks read and float32 written, one thread, and beside it what the
// same bytes cost when they are copied; then, for a GGUF file, seconds until all its weights are
// float32 and the most anonymous memory that takes, as a multiple of the weights.
//
//   kedit_bench_gguf [FILE.gguf [THREADS]]
#include "bench/anonymous_peak.hpp"
#include "kernels/dequantise.hpp"
#include "model/model.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <vector>

namespace {

using namespace kedit;
using kernels::BlockType;

constexpr int kRounds = 5;

double least_seconds(const std::function<void()>& act) {
  double least = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    act();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    least = std::min(least, passed.count());
  }
  return least;
}

void measure_type(BlockType type) {
  constexpr std::int64_t kElements = std::int64_t{1} << 24;  // 64 MB of float32
  const kernels::BlockLayout layout = kernels::block_layout(type);
  const auto bytes = static_cast<std::size_t>(kElements / layout.elements * layout.bytes);
  const std::vector<std::uint8_t> blocks(bytes, 17);
  std::vector<float> values(kElements);
  const double seconds =
      least_seconds([&] { kernels::dequantise(blocks.data(), type, kElements, values.data()); });
  if (values.front() != values[static_cast<std::size_t>(kElements - layout.elements)]) {
    throw std::runtime_error("equal blocks mean different numbers");
  }
  // The floor: as many bytes read and written by memcpy.
  const std::size_t moved = (bytes + values.size() * sizeof(float)) / 2;
  std::vector<std::uint8_t> from(moved, 1), to(moved);
  const double copy = least_seconds([&] { std::memcpy(to.data(), from.data(), moved); });
  fmt::print("{:5}  {:6.2f} GB/s  {:5.2f} of a copy\n", layout.name,
             2e-9 * static_cast<double>(moved) / seconds, copy / seconds);
}

void measure_file(const char* file) {
  std::shared_ptr<const Model> model;
  LoadOptions options;
  const double seconds = least_seconds([&] {
    model.reset();
    model = Model::load(file, options);
  });
  fmt::print("{}: {} as {}, {:.0f} MB: {:.3f} s on {} threads, {:.2f} GB/s of float32\n", file,
             model->source().quantisation, model->dtype(),
             1e-6 * static_cast<double>(model->bytes()), seconds, at::get_num_threads(),
             1e-9 * static_cast<double>(model->bytes()) / seconds);
}

void measure_memory(const char* file) {
  bench::AnonymousPeak peak;
  const auto model = Model::load(file);
  const auto bytes = static_cast<double>(peak.stop());
  fmt::print("most anonymous memory while loading: {:.0f} MB, {:.3f} of the weights\n",
             1e-6 * bytes, bytes / static_cast<double>(model->bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  for (const BlockType type :
       {BlockType::f32, BlockType::f16, BlockType::bf16, BlockType::q4_0, BlockType::q4_1,
        BlockType::q5_0, BlockType::q5_1, BlockType::q8_0, BlockType::q2_k, BlockType::q3_k,
        BlockType::q4_k, BlockType::q5_k, BlockType::q6_k}) {
    measure_type(type);
  }
  if (argc < 2) return 0;
  if (argc > 2) at::set_num_threads(std::max(1, std::atoi(argv[2])));
  measure_memory(argv[1]);
  measure_file(argv[1]);
}
